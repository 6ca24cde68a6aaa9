package virtualtime

import (
	"slices"
	"testing"
	"time"
)

// look is what the watchdog finds when it looks.
type look struct {
	pulse   int64
	work    time.Duration
	who     string
	blocked bool
}

// gaveUp returns at which look a watchdog gives up, counted from 1; 0: at none.
func gaveUp(found []look) int {
	var d watchdog
	for i, l := range found {
		if !d.quiet(l.pulse, l.work) {
			d.see("", false)
			continue
		}
		if d.see(l.who, l.blocked) {
			return i + 1
		}
	}
	return 0
}

func TestRunThatStandsStillIsToldFromOneWithoutProcessor(t *testing.T) {
	waiting := look{who: "goroutine 8 [select]: waits", blocked: true}
	still := slices.Repeat([]look{waiting}, 3*looks)
	one := func(change func(*look)) []look {
		found := slices.Clone(still[:2*looks-2])
		change(&found[looks-1])
		return found
	}
	elsewhere := slices.Clone(still)
	for i := range elsewhere {
		if i/(looks-1)%2 == 1 { // it goes on in between, though rarely
			elsewhere[i].who = "goroutine 8 [select]: waits elsewhere"
		}
	}
	var slow []look
	for i := range 3 * looks {
		l := waiting
		l.work = time.Duration(i) * patience / looks / 10
		slow = append(slow, l)
	}
	for _, c := range []struct {
		name  string
		found []look
		want  int
	}{
		{"it waits at one place", still, looks},
		{"it waits at one place, then at another", elsewhere, 0},
		{"a goroutine can run", one(func(l *look) { l.blocked = false }), 0},
		{"it works a little all the time", slow, 0},
	} {
		if got := gaveUp(c.found); got != c.want {
			t.Errorf("%s: gave up at %d, want %d", c.name, got, c.want)
		}
	}
}
