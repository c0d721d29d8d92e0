package bridge

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"postern/bridge/relay"
	"postern/vault"
	"postern/vault/seal"
)

type agentInfoResult struct {
	Version  string `json:"version"`
	Protocol string `json:"protocol"`
	Role     string `json:"role"`
	Account  string `json:"account"`
	Port     int    `json:"port"`
	// Connections counts those of apps; only the owner learns it.
	Connections int `json:"connections"`
}

func agentInfo(_ context.Context, o *session, _ nothing) (agentInfoResult, error) {
	info := agentInfoResult{Version: o.server.config.Version, Protocol: Subprotocol, Role: "app", Account: o.account, Port: o.server.config.Port}
	if o.role == roleOwner {
		info.Role = "owner"
		for _, n := range o.server.connections() {
			info.Connections += n
		}
	}
	return info, nil
}

type consoleLink struct {
	URL string `json:"url"`
}

func agentConsoleLink(_ context.Context, o *session, _ nothing) (consoleLink, error) {
	return consoleLink{URL: o.server.ConsoleLink()}, nil
}

func vaultStatus(_ context.Context, o *session, _ nothing) (vault.Status, error) {
	return o.vault.Status(), nil
}

type createParams struct {
	Store *bool `json:"store,omitzero"`
}

type keyText struct {
	Key string `json:"key"`
}

func vaultCreate(ctx context.Context, o *session, p createParams) (keyText, error) {
	return newKey(o.vault.Create(ctx, p.Store == nil || *p.Store))
}

type openParams struct {
	Key string `json:"key,omitzero"`
}

func vaultOpen(ctx context.Context, o *session, p openParams) (vault.Status, error) {
	if p.Key == "" {
		if by := o.vault.LockedBy(); o.role == roleApp && by != vault.LockerNone && by != vault.LockerApp {
			return vault.Status{}, fail("locked", "The vault was locked, and a page cannot open it by itself.", "Unlock it from the tray, or type the vault key.")
		}
		err := o.vault.Open(ctx, nil)
		return o.vault.Status(), err
	}
	key, err := seal.ParseKey(p.Key)
	if err != nil {
		return vault.Status{}, err
	}
	defer key.Wipe()
	err = o.vault.Open(ctx, key)
	return o.vault.Status(), err
}

func vaultLock(_ context.Context, o *session, _ nothing) (nothing, error) {
	if o.role == roleOwner {
		o.server.config.Accounts.LockAll(vault.LockerOwner)
	} else {
		o.vault.Lock(vault.LockerApp)
	}
	return nothing{}, nil
}

func vaultUnlockAll(ctx context.Context, o *session, _ nothing) (nothing, error) {
	return nothing{}, o.server.config.Accounts.OpenAll(ctx)
}

func vaultReset(ctx context.Context, o *session, p createParams) (keyText, error) {
	return newKey(o.vault.Reset(ctx, p.Store == nil || *p.Store))
}

type rotateParams struct {
	Deep bool `json:"deep,omitzero"`
}

func keyRotate(ctx context.Context, o *session, p rotateParams) (keyText, error) {
	if p.Deep {
		return newKey(o.vault.RotateDeep(ctx))
	}
	return newKey(o.vault.Rotate(ctx))
}

// newKey gives the text of a key, for its owner to save.
func newKey(key *seal.VaultKey, err error) (keyText, error) {
	if err != nil {
		return keyText{}, err
	}
	defer key.Wipe()
	return keyText{Key: key.Text()}, nil
}

func vaultSignOut(ctx context.Context, o *session, _ nothing) (nothing, error) {
	return nothing{}, o.vault.SignOut(ctx)
}

func keyReveal(_ context.Context, o *session, _ nothing) (keyText, error) {
	return newKey(o.vault.Key())
}

func keyStore(ctx context.Context, o *session, _ nothing) (nothing, error) {
	return nothing{}, o.vault.StoreKey(ctx)
}

func keyForget(ctx context.Context, o *session, _ nothing) (nothing, error) {
	return nothing{}, o.vault.ForgetKey(ctx)
}

type listParams struct {
	Filter string `json:"filter,omitzero"`
	Sort   string `json:"sort,omitzero"`
	Offset int    `json:"offset,omitzero"`
	Limit  int    `json:"limit,omitzero"`
}

type listResult struct {
	Secrets []vault.Secret `json:"secrets"`
	// Total counts all that the filter lets through.
	Total int `json:"total"`
}

func secretList(ctx context.Context, o *session, p listParams) (listResult, error) {
	secrets, total, err := o.vault.List(ctx, vault.Query(p))
	return listResult{Secrets: secrets, Total: total}, err
}

type setParams struct {
	Name    string    `json:"name"`
	Value   *string   `json:"value,omitzero"`
	Domains *[]string `json:"domains,omitzero"`
	Enabled *bool     `json:"enabled,omitzero"`
}

func secretSet(ctx context.Context, o *session, p setParams) (vault.Secret, error) {
	edit := vault.Edit{Domains: p.Domains, Enabled: p.Enabled}
	if p.Value != nil {
		edit.Value = append([]byte{}, *p.Value...)
		defer clear(edit.Value)
	}
	return o.vault.Set(ctx, p.Name, edit)
}

type renameParams struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func secretRename(ctx context.Context, o *session, p renameParams) (nothing, error) {
	return nothing{}, o.vault.Rename(ctx, p.From, p.To)
}

type deleteParams struct {
	Names []string `json:"names"`
}

func secretDelete(ctx context.Context, o *session, p deleteParams) (nothing, error) {
	return nothing{}, o.vault.Delete(ctx, p.Names...)
}

type nameParams struct {
	Name string `json:"name"`
}

type secretValue struct {
	Value string `json:"value"`
}

func secretReveal(ctx context.Context, o *session, p nameParams) (secretValue, error) {
	if o.role != roleOwner {
		return secretValue{}, fail("needs_grant", "Only the owner may see a secret's value.", "Show it in the console, or with postern secret reveal.")
	}
	value, err := o.vault.Reveal(ctx, p.Name)
	defer clear(value)
	return secretValue{Value: string(value)}, err
}

type generateParams struct {
	Name    string    `json:"name"`
	Length  int       `json:"length,omitzero"`
	Domains *[]string `json:"domains,omitzero"`
	Enabled *bool     `json:"enabled,omitzero"`
}

func secretGenerate(ctx context.Context, o *session, p generateParams) (vault.Secret, error) {
	return o.vault.Generate(ctx, p.Name, p.Length, vault.Edit{Domains: p.Domains, Enabled: p.Enabled})
}

type checkParams struct {
	Text      string            `json:"text,omitzero"`
	Request   *relay.Request    `json:"request,omitzero"`
	URL       string            `json:"url,omitzero"`
	Variables map[string]string `json:"variables,omitzero"`
}

type checkResult struct {
	References []vault.Reference `json:"references"`
}

func referenceCheck(ctx context.Context, o *session, p checkParams) (checkResult, error) {
	template := vault.Template{}
	if p.Request != nil {
		var err error
		if template, err = p.Request.Template(); err != nil {
			return checkResult{}, err
		}
	}
	if p.URL != "" {
		template.URL = p.URL
	}
	template.Texts = append(template.Texts, p.Text)
	references, err := o.vault.Check(ctx, template, []vault.Scope{p.Variables}, o.purpose())
	return checkResult{References: references}, err
}

func workspaceEnter(_ context.Context, o *session, p vault.Workspace) (nothing, error) {
	if err := p.Check(); err != nil {
		return nothing{}, err
	}
	p.ID, p.Name = plain(p.ID, 128), plain(p.Name, 128)
	o.mu.Lock()
	o.workspace = p
	o.mu.Unlock()
	return nothing{}, nil
}

func workspaceLeave(_ context.Context, o *session, _ nothing) (nothing, error) {
	o.mu.Lock()
	o.workspace = vault.Workspace{}
	o.mu.Unlock()
	return nothing{}, nil
}

type sendParams struct {
	Request relay.Request `json:"request"`
	// Variables come before Environment; the first that has a name wins.
	Variables       map[string]string `json:"variables,omitzero"`
	Environment     map[string]string `json:"environment,omitzero"`
	AllowUnresolved bool              `json:"allowUnresolved,omitzero"`
	FollowRedirects *bool             `json:"followRedirects,omitzero"`
	// TimeoutMs bounds the whole request, in milliseconds; 0 is the default of 2 minutes.
	TimeoutMs int `json:"timeoutMs,omitzero"`
	// NoMask leaves values in the response; only the owner may ask for it.
	NoMask bool `json:"noMask,omitzero"`
}

func requestSend(ctx context.Context, o *session, p sendParams) (*relay.Response, error) {
	if p.NoMask && o.role != roleOwner {
		return nil, fail("needs_grant", "Only the owner may see unmasked responses.", "Leave noMask out.")
	}
	if p.TimeoutMs < 0 {
		return nil, fail("invalid", "A time limit cannot be negative.", "Give timeoutMs in milliseconds.")
	}
	return o.server.config.Relay.Send(ctx, o.vault, p.Request, relay.Options{
		Purpose: o.purpose(), Scopes: []vault.Scope{p.Variables, p.Environment},
		AllowUnresolved: p.AllowUnresolved, NoMask: p.NoMask, FollowRedirects: p.FollowRedirects,
		Timeout: time.Duration(p.TimeoutMs) * time.Millisecond,
		// The owner's yes to an app covers this computer and its network.
		LocalNetwork: true,
	})
}

type cancelParams struct {
	ID jsontext.Value `json:"id"`
}

type cancelResult struct {
	Cancelled bool `json:"cancelled"`
}

func requestCancel(_ context.Context, o *session, p cancelParams) (cancelResult, error) {
	return cancelResult{Cancelled: o.cancel(p.ID)}, nil
}

type appListResult struct {
	Apps []ConnectedApp `json:"apps"`
}

func appList(_ context.Context, o *session, _ nothing) (appListResult, error) {
	return appListResult{Apps: o.server.ConnectedApps()}, nil
}

type originParams struct {
	Origin string `json:"origin"`
}

func (p originParams) canonical() (string, error) {
	origin, ok := CanonicalOrigin(p.Origin)
	if !ok {
		return "", fail("invalid", "This is not the origin of an app.", "Write scheme and host, such as https://app.example.com; http only on localhost.")
	}
	return origin, nil
}

type allowParams struct {
	Origin string `json:"origin"`
	// Code is the code that the page shows; with it the pending question is answered.
	Code string `json:"code,omitzero"`
}

type allowResult struct {
	// Answered is false when nobody asked yet, and the next page is let in.
	Answered bool `json:"answered"`
}

// appAllow answers the origin's question, or, where there is none, lets the
// origin's next page in without one.
func appAllow(_ context.Context, o *session, p allowParams) (allowResult, error) {
	origin, err := originParams{p.Origin}.canonical()
	if err != nil {
		return allowResult{}, err
	}
	for _, q := range o.server.Questions() {
		if q.Origin != origin {
			continue
		}
		if p.Code != "" && p.Code != q.Code {
			return allowResult{}, fail("denied", "This is not the code that the page shows.", "Compare the codes. If they differ, do not allow the page.")
		}
		if answered, err := o.server.Answer(q.ID, true); answered || err != nil {
			return allowResult{Answered: answered}, err
		}
	}
	if p.Code != "" {
		return allowResult{}, fail("not_found", "No page of this origin is waiting.", "Ask again on the page.")
	}
	o.server.Expect(origin)
	return allowResult{}, nil
}

func appBlock(_ context.Context, o *session, p originParams) (nothing, error) {
	origin, err := p.canonical()
	if err != nil {
		return nothing{}, err
	}
	for _, q := range o.server.Questions() {
		if q.Origin == origin {
			_, err := o.server.Answer(q.ID, false)
			return nothing{}, err
		}
	}
	return nothing{}, o.server.Block(origin)
}

func appForget(_ context.Context, o *session, p originParams) (nothing, error) {
	origin, err := p.canonical()
	if err != nil {
		return nothing{}, err
	}
	if _, known := o.server.config.Apps.Find(origin); !known {
		return nothing{}, fail("not_found", fmt.Sprintf("The origin %s is not known.", origin), "List the apps to see their origins.")
	}
	return nothing{}, o.server.Forget(origin)
}

type questionList struct {
	Questions []Question `json:"questions"`
}

func questionListed(_ context.Context, o *session, _ nothing) (questionList, error) {
	return questionList{Questions: o.server.Questions()}, nil
}

type answerParams struct {
	ID    string `json:"id"`
	Allow bool   `json:"allow"`
}

func questionAnswer(_ context.Context, o *session, p answerParams) (nothing, error) {
	answered, err := o.server.Answer(p.ID, p.Allow)
	if err == nil && !answered {
		return nothing{}, fail("not_found", "This question has been answered or has expired.", "Ask again on the page.")
	}
	return nothing{}, err
}
