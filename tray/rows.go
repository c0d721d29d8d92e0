//go:build !darwin || cgo

package tray

// place is where rows of one kind stand in the desktop's menu.
type place struct {
	kind     kind
	count    int // zero means one
	children []place
}

// places is the order of the desktop's menu. It has to be that of menu.
func places(can Actions) []place {
	inVault := []place{
		{kind: unlockRow}, {kind: lockRow}, {kind: consoleRow},
		{kind: questionRow, count: maxQuestions, children: []place{{kind: allowRow}, {kind: denyRow}}},
		{kind: moreQuestions},
		{kind: appsRow, children: []place{
			{kind: appRow, count: maxApps, children: []place{{kind: disconnectRow}, {kind: forgetRow}}},
			{kind: moreApps},
		}},
		{kind: separator},
	}
	all := []place{{kind: stateRow}, {kind: problemRow}, {kind: separator}}
	if hasVaultSection(can) {
		all = append(all, inVault...)
	}
	return append(all, place{kind: pauseRow}, place{kind: resumeRow}, place{kind: autostartRow},
		place{kind: versionRow}, place{kind: quitRow})
}

// row is one row of the desktop's menu. It stands for no item while hidden.
type row struct {
	kind     kind
	native   *menuItem
	shown    bool
	shows    item
	hiddenAt int // the redraw in which it was last hidden
	children []*row
}

// rows is the desktop's menu. Only one goroutine may use it.
type rows struct {
	actions Actions
	top     []*row
	redraws int
	look    look
	tooltip string
}

// newRows makes every row that will ever be needed, hidden. Children are made
// before their parent is hidden: on Windows a hidden row cannot become a submenu.
func newRows(actions Actions, drawn look) *rows {
	return &rows{actions: actions, look: drawn, top: makeRows(nil, places(actions))}
}

func makeRows(parent *menuItem, places []place) (made []*row) {
	for _, place := range places {
		if place.kind == separator {
			addSeparator()
			continue
		}
		for range max(place.count, 1) {
			r := &row{kind: place.kind, native: addItem(parent, place.kind == autostartRow)}
			// The libraries drop a click that nobody is waiting for at that very
			// moment. One place in the channel keeps it.
			r.native.ClickedCh = make(chan struct{}, 1)
			r.children = makeRows(r.native, place.children)
			r.native.Hide()
			made = append(made, r)
		}
	}
	return made
}

// all lists the rows of every level.
func (r *rows) all() []*row {
	var list []*row
	var add func([]*row)
	add = func(level []*row) {
		for _, row := range level {
			list = append(list, row)
			add(row.children)
		}
	}
	add(r.top)
	return list
}

// show brings icon and menu in line with the state.
func (r *rows) show(s State) {
	r.redraws++
	r.draw(r.top, menu(s, r.actions))
	if look := s.look(); look != r.look {
		setIcon(look)
		r.look = look
	}
	if tooltip := s.tooltip(); tooltip != r.tooltip {
		setTooltip(tooltip)
		r.tooltip = tooltip
	}
}

func (r *rows) draw(level []*row, items []item) {
	placed := assign(level, items)
	for _, row := range level {
		next, ok := placed[row]
		if !ok {
			r.hide(row)
			continue
		}
		// Children first, so that a submenu is complete when it appears.
		r.draw(row.children, next.children)
		row.update(next)
	}
}

func (r *rows) hide(row *row) {
	if !row.shown {
		return
	}
	row.native.Hide()
	row.shown, row.shows, row.hiddenAt = false, item{}, r.redraws
	r.draw(row.children, nil)
}

// assign finds a row for each item: the one that shows it already, or else the
// one of its kind that has been hidden for the longest time.
func assign(level []*row, items []item) map[*row]item {
	placed := make(map[*row]item, len(items))
	var homeless []item
	for _, item := range items {
		if home := rowShowing(level, item.id); home != nil {
			placed[home] = item
		} else if item.id.kind != separator {
			homeless = append(homeless, item)
		}
	}
	for _, item := range homeless {
		if free := freeRow(level, item.id.kind, placed); free != nil {
			placed[free] = item
		}
	}
	return placed
}

func rowShowing(level []*row, id id) *row {
	for _, row := range level {
		if row.shown && row.shows.id == id {
			return row
		}
	}
	return nil
}

func freeRow(level []*row, kind kind, placed map[*row]item) (free *row) {
	for _, row := range level {
		if _, taken := placed[row]; taken || row.kind != kind {
			continue
		}
		// A row that still shows what is about to leave is the last resort.
		if free == nil || (free.shown && !row.shown) || (free.shown == row.shown && row.hiddenAt < free.hiddenAt) {
			free = row
		}
	}
	return free
}

// update changes only what differs: each change is a message to the desktop, and
// with getlantern any change to a hidden row shows it again.
func (row *row) update(next item) {
	last := row.shows
	if last.id != next.id {
		row.forgetClick()
	}
	if last.title != next.title {
		row.native.SetTitle(escape(next.title))
	}
	if last.tooltip != next.tooltip {
		row.native.SetTooltip(next.tooltip)
	}
	if !row.shown || last.enabled != next.enabled {
		row.enable(next.enabled)
	}
	if row.kind == autostartRow {
		row.check(next.checked)
	}
	if !row.shown {
		row.native.Show()
	}
	row.shown, row.shows = true, next
}

func (row *row) enable(enabled bool) {
	if enabled {
		row.native.Enable()
	} else {
		row.native.Disable()
	}
}

// check is sent with every state, changed or not: some desktops tick the box by
// themselves at a click, which is wrong when the action then fails.
func (row *row) check(checked bool) {
	if checked {
		row.native.Check()
	} else {
		row.native.Uncheck()
	}
}

// forgetClick drops a click that was meant for what the row showed before.
func (row *row) forgetClick() {
	select {
	case <-row.native.ClickedCh:
	default:
	}
}
