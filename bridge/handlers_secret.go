package bridge

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"postern/bridge/relay"
	"postern/vault"
)

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
