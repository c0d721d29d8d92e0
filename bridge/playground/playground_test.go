package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get[T any](t *testing.T, h http.Handler, r *http.Request) T {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var answer T
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", r.URL, w.Code, w.Body)
	}
	return answer
}

func TestEchoAndSeen(t *testing.T) {
	h := handler(7678)
	if before := get[seen](t, h, httptest.NewRequest("GET", "/seen", nil)); before != (seen{}) {
		t.Errorf("seen before anything came: %+v", before)
	}
	r := httptest.NewRequest("POST", "/echo?a=1", strings.NewReader("body"))
	r.Header.Set(keyHeader, "value")
	got := get[echoed](t, h, r)
	if got.Method != "POST" || got.URL != "/echo?a=1" || got.Body != "body" || got.Headers.Get(keyHeader) != "value" {
		t.Errorf("echoed %+v", got)
	}
	// printf %s value | sha256sum
	want := seen{Count: 1, SHA256: "cd42404d52ad55ccfa9aca4adc828aa5800ad9d385a0671fbcbf724118320619"}
	if after := get[seen](t, h, httptest.NewRequest("GET", "/seen", nil)); after != want {
		t.Errorf("seen %+v, want %+v", after, want)
	}
}

func TestEchoRefusesLargeBody(t *testing.T) {
	w := httptest.NewRecorder()
	handler(7678).ServeHTTP(w, httptest.NewRequest("POST", "/echo", strings.NewReader(strings.Repeat("x", maxBody+1))))
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d", w.Code)
	}
}

func TestPageKnowsTheAgent(t *testing.T) {
	h := handler(7999)
	if got := get[map[string]int](t, h, httptest.NewRequest("GET", "/agent", nil)); got["port"] != 7999 {
		t.Errorf("agent %v", got)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "playground.js") {
		t.Errorf("the page: %d %s", w.Code, w.Body)
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "ws://127.0.0.1:7999 ") {
		t.Errorf("policy %q", policy)
	}
}
