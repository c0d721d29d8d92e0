//go:build !darwin || cgo

package tray

import (
	"slices"
	"testing"
)

// Without a row of its kind, in the same order, an item would never be seen.
func TestEveryItemHasItsPlace(t *testing.T) {
	for _, m := range menus {
		t.Run(m.name, func(t *testing.T) { fits(t, menu(m.state, m.can), places(m.can)) })
	}
}

func fits(t *testing.T, items []item, places []place) {
	t.Helper()
	at, used := 0, 0
	for _, item := range items {
		for at < len(places) && (places[at].kind != item.id.kind || used == max(places[at].count, 1)) {
			at, used = at+1, 0
		}
		if at == len(places) {
			t.Fatalf("no place for %q (%s)", item.title, item.id.kind)
		}
		used++
		fits(t, item.children, places[at].children)
	}
}

// shownIn plays one redraw on rows without a desktop.
func shownIn(redraw int, level []*row, subjects ...string) []string {
	var items []item
	for _, subject := range subjects {
		items = append(items, choice(questionRow, subject, subject))
	}
	placed := assign(level, items)
	order := make([]string, len(level))
	for i, row := range level {
		next, ok := placed[row]
		if !ok && row.shown {
			row.hiddenAt = redraw
		}
		row.shown, row.shows = ok, next
		order[i] = next.id.subject
	}
	return order
}

func TestARowKeepsItsQuestion(t *testing.T) {
	level := []*row{{kind: questionRow}, {kind: questionRow}, {kind: questionRow}}
	for i, step := range []struct {
		ask  []string
		want []string
	}{
		{[]string{"a"}, []string{"a", "", ""}},
		{[]string{"b", "a"}, []string{"a", "b", ""}},
		{[]string{"b"}, []string{"", "b", ""}},
		// The row that a has just left is not the one for c.
		{[]string{"c", "b"}, []string{"", "b", "c"}},
		{[]string{"c"}, []string{"", "", "c"}},
		// Of two free rows the one that is free for longer.
		{[]string{"d", "c"}, []string{"d", "", "c"}},
		// With no other row left, a row changes hands.
		{[]string{"e", "f", "g"}, []string{"g", "e", "f"}},
		{nil, []string{"", "", ""}},
	} {
		if have := shownIn(i+1, level, step.ask...); !slices.Equal(have, step.want) {
			t.Fatalf("step %d, asking %v: have %q, want %q", i+1, step.ask, have, step.want)
		}
	}
}
