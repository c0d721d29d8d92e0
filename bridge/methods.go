package bridge

import (
	"reflect"

	"postern/bridge/relay"
	"postern/vault"
)

// nothing is the empty object: no parameters, or no result.
type nothing struct{}

const everyone = roleApp | roleOwner

// methods is the protocol. Dispatch, the TypeScript types and docs/protocol.md
// come from these rows; a new method is one row and one function.
var methods = []method{
	rpc("agent.info", "Tells the version of the agent and who this connection is.", everyone, agentInfo),
	rpc("agent.consoleLink", "Makes an address that opens the console once.", roleOwner, agentConsoleLink),

	rpc("vault.status", "Tells the state of this connection's vault.", everyone, vaultStatus),
	inBackground(rpc("vault.create", "Makes the vault and returns its key, the only time unasked. With store, the default, the key is kept in the password manager.", everyone, vaultCreate)),
	inBackground(rpc("vault.open", "Opens the vault with the key, with its passphrase, or with the key in the password manager.", everyone, vaultOpen)),
	rpc("vault.lock", "Locks the vault; the owner locks all of them.", everyone, vaultLock),
	inBackground(rpc("vault.unlockAll", "Opens every vault in use with its key in the password manager.", roleOwner, vaultUnlockAll)),
	inBackground(rpc("vault.signOut", "Deletes the vault and every secret in it for good.", everyone, vaultSignOut)),
	inBackground(rpc("vault.reset", "For a lost key: deletes the vault and every secret in it, makes a new one and returns its key.", roleOwner, vaultReset)),
	inBackground(rpc("vault.export", "Gives all secrets as an age file encrypted with a passphrase, or as readable JSON.", roleOwner, vaultExport)),
	inBackground(rpc("vault.import", "Adds the secrets of a file: age, JSON, a Postman environment or vault export, or .env.", roleOwner, vaultImport)),

	rpc("key.reveal", "Shows the key of the open vault again.", roleOwner, keyReveal),
	inBackground(rpc("key.store", "Keeps the key of the open vault in the password manager.", roleOwner, keyStore)),
	inBackground(rpc("key.rotate", "Gives the open vault a new key and returns it; deep, for a key that leaked, seals every secret anew as well.", roleOwner, keyRotate)),
	inBackground(rpc("key.setPassphrase", "Lets a passphrase of 12 characters or more open the vault too, in place of an earlier one.", roleOwner, keySetPassphrase)),
	inBackground(rpc("key.removePassphrase", "Leaves the vault key as the only way to open the vault.", roleOwner, keyRemovePassphrase)),
	inBackground(rpc("key.forget", "Removes the key from the password manager.", roleOwner, keyForget)),

	rpc("secret.list", "Lists secrets without their values.", everyone, secretList),
	rpc("secret.set", "Adds a secret, or changes what is given of one.", everyone, secretSet),
	rpc("secret.rename", "Gives a secret another name.", everyone, secretRename),
	rpc("secret.delete", "Deletes secrets, all of them or none.", everyone, secretDelete),
	rpc("secret.reveal", "Shows a secret's value to the owner.", everyone, secretReveal),
	rpc("secret.generate", "Sets a secret to a random value that nobody has seen.", everyone, secretGenerate),

	rpc("reference.check", "Tells of each reference whether it resolves, and if not, why and what to do.", everyone, referenceCheck),

	rpc("workspace.enter", "Says in which workspace the app's user works now.", everyone, workspaceEnter),
	rpc("workspace.leave", "Says that the app's user works in no workspace.", everyone, workspaceLeave),

	inBackground(rpc("request.send", "Sends an HTTP request from this machine with its references resolved, and returns the response with secrets masked.", everyone, requestSend)),
	rpc("request.cancel", "Cancels the request.send with that JSON-RPC id.", everyone, requestCancel),

	rpc("pair.request", "Begins to ask the owner to allow this page: takes its commitment, gives the agent's key and nonce.", roleStranger, pairRequest),
	inBackground(rpc("pair.reveal", "Opens the commitment and asks the owner, who compares the code. The result comes with the answer.", roleStranger, pairReveal)),

	rpc("app.list", "Lists the apps that were allowed or blocked.", roleOwner, appList),
	rpc("app.allow", "Answers an origin's question with yes; where there is none, lets its next page in without one, for ten minutes.", roleOwner, appAllow),
	rpc("app.block", "Blocks an origin and ends its connections.", roleOwner, appBlock),
	rpc("app.forget", "Removes an origin, so that it may ask again, and ends its connections.", roleOwner, appForget),

	rpc("question.list", "Lists what waits for the owner's answer.", roleOwner, questionListed),
	rpc("question.answer", "Answers a question.", roleOwner, questionAnswer),
}

// event is a notification that the agent sends.
type event struct {
	name, doc string
	params    reflect.Type
}

var eventTable = []event{
	{"vault.changed", "The state of the vault changed.", reflect.TypeFor[vault.Status]()},
	{"secret.changed", "Secrets were added, changed or deleted.", reflect.TypeFor[nothing]()},
	{"question.changed", "What waits for the owner's answer changed.", reflect.TypeFor[questionList]()},
}

// foreignTypes are written by hand in TypeScript, because their JSON has a shape
// of its own: the Postman Collection format.
var foreignTypes = map[reflect.Type]string{
	reflect.TypeFor[relay.Request](): "PostmanRequest",
}

var methodsByName map[string]method

func init() {
	methodsByName = make(map[string]method, len(methods)+1)
	for _, m := range append([]method{discover}, methods...) {
		methodsByName[m.name] = m
	}
}
