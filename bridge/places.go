package bridge

import "time"

// Places are what a flood would use up. Who has proved a key has a place of its
// own, so many for each origin; who has not shares a waiting room, where somebody
// who came before makes way for the next: nobody can keep others out by standing
// in the door. To push a page out before it has proved its key, which takes it
// milliseconds, all of the room has to come after it. Those who ask to be allowed
// wait in a room of their own. The owner is never turned away.
const (
	maxPerOrigin = 8
	maxApps      = 256
	maxWaiting   = 256
	maxAsking    = 64
)

// times are how long a connection is waited for.
type times struct {
	// handshake ends a page that was let in and does not prove its key.
	handshake time.Duration
	// asking ends a page that asks to be allowed; its question has ended before.
	asking time.Duration
	// write drops a reader that does not read.
	write time.Duration
	ping  time.Duration
	// silence is how long a peer may leave pings unanswered.
	silence time.Duration
}

var usualTimes = times{
	handshake: 10 * time.Second,
	asking:    questionTime + 30*time.Second,
	write:     10 * time.Second,
	ping:      30 * time.Second,
	silence:   75 * time.Second,
}

// admit lets a session in to prove who it is; the owner has done so already.
func (s *Server) admit(o *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || (o.role == roleApp && !s.hasRoomLocked(o)) {
		return false
	}
	if o.role != roleOwner {
		s.makeWayLocked(o)
	}
	s.arrivals++
	o.arrival = s.arrivals
	s.sessions[o] = o.role == roleOwner
	s.ended.Add(1)
	return true
}

// hasRoomLocked says whether there is a place for one more connection of the app.
func (s *Server) hasRoomLocked(o *session) bool {
	all, same := 0, 0
	for other, known := range s.sessions {
		if known && other.role == roleApp {
			all++
			if other.origin == o.origin {
				same++
			}
		}
	}
	return all < maxApps && same < maxPerOrigin
}

// makeWayLocked ends, where all wait that may, whoever waits longest of the origin
// that has most who wait. A page whose question the owner is looking at stays.
func (s *Server) makeWayLocked(o *session) {
	places := maxWaiting
	if o.role == roleStranger {
		places = maxAsking
	}
	waiting := map[string]int{}
	for other, known := range s.sessions {
		if !known && other.role == o.role && !other.isBusy() {
			waiting[other.origin]++
			places--
		}
	}
	if places > 0 {
		return
	}
	var leaves *session
	for other, known := range s.sessions {
		if known || other.role != o.role || other.isBusy() {
			continue
		}
		if leaves == nil || waiting[other.origin] > waiting[leaves.origin] ||
			(waiting[other.origin] == waiting[leaves.origin] && other.arrival < leaves.arrival) {
			leaves = other
		}
	}
	if leaves != nil {
		s.removeLocked(leaves)
	}
}

// removeLocked takes the place away at once; the connection ends soon.
func (s *Server) removeLocked(o *session) {
	delete(s.sessions, o)
	o.close()
}

// introduce gives the session of an app that has proved its key a place among
// those that are told of events; false means that there is none.
func (s *Server) introduce(o *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, waiting := s.sessions[o]
	if waiting && s.hasRoomLocked(o) {
		s.sessions[o] = true
	}
	return s.sessions[o]
}

func (s *Server) dismiss(o *session) {
	s.mu.Lock()
	delete(s.sessions, o)
	s.mu.Unlock()
	s.ended.Done()
	s.config.Changed()
}
