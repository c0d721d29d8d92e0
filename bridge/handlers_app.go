package bridge

import (
	"context"
	"fmt"
)

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
