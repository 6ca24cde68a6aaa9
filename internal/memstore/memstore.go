// Package memstore keeps the objects of an API server in memory: ordered keys, one revision for
// all of them, watches with history.
//
// The central type is [DB]; [Decorator] plugs it into the API server's registries in place of
// etcd, one [Store] a resource:
//
//	db := memstore.NewDB()
//	options := generic.RESTOptions{Decorator: memstore.Decorator(db), ...}
//
// An open watch is the only goroutine it starts, and it waits on nothing but channels and
// timers, so that it can live in virtual time. [DB.Save] and [Load] turn the whole of it into
// bytes and back.
package memstore

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/third_party/forked/golang/btree"
)

const (
	// maxHistory is how many events a resource keeps for watches and lists that look back.
	maxHistory = 5000
	// decodedHistory is how many of them keep their old objects decoded: those that a watch is about
	// to tell.
	decodedHistory = 64
)

// DB is what all resources of one API server share: the revision, and a table a resource.
type DB struct {
	mu      sync.Mutex
	rev     int64
	tables  map[string]*table // by key prefix
	onWrite func(Write)       // or nil

	deferring bool // watches are not told what is written
	deferred  []deferredNote
}

// Write is one change of one object.
type Write struct {
	Revision int64
	At       time.Time
	Key      string
	Data     []byte // the object as it is stored; of a deletion, as it was; must not be changed
	Created  bool
	Deleted  bool
}

// Listen calls f for every object that there is, then for every write from now on, in their
// order. The database is locked meanwhile: f must neither use it nor wait.
func (d *DB) OnWrite(f func(Write)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onWrite = f
	for _, prefix := range slices.Sorted(maps.Keys(d.tables)) {
		d.tables[prefix].records.Ascend(func(r *record) bool {
			d.reportWrite(r, nil)
			return true
		})
	}
}

func (d *DB) reportWrite(current, prev *record) {
	if d.onWrite == nil {
		return
	}
	w := Write{Revision: d.rev, At: time.Now(), Created: prev == nil, Deleted: current == nil}
	if current == nil {
		current = prev
	}
	w.Key, w.Data = current.key, current.data
	d.onWrite(w)
}

// NewDB gives an empty database.
func NewDB() *DB {
	return &DB{rev: 1, tables: map[string]*table{}}
}

// Revision is the number of the latest write.
func (d *DB) Revision() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rev
}

// Written is when an object was last written whose key begins with a resource's prefix; zero if there was
// none since the database was made or loaded.
func (d *DB) Written(resourcePrefix string) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.tables[resourcePrefix]; t != nil {
		return t.written
	}
	return time.Time{}
}

// Holds tells whether there is any object whose key begins with a resource's prefix.
func (d *DB) Holds(resourcePrefix string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[resourcePrefix]
	return t != nil && t.records.Len() > 0
}

// Count is the number of objects.
func (d *DB) Count() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.tables {
		n += t.records.Len()
	}
	return n
}

// Compact forgets the history up to a revision, as etcd does from time to time.
func (d *DB) Compact(rev int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.tables {
		t.forget(rev)
	}
	d.rev++ // etcd's compactor writes its own key
}

// Hold keeps from the watches what is written from now on, until Release. Reads see it at once. The watches
// should have told by now what was released before: old objects are not kept decoded for them any longer.
func (d *DB) Defer() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.tables {
		t.dropDecoded()
	}
	d.deferring = true
}

// Release tells the watches what was written since Hold.
func (d *DB) Release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, next := range d.deferred {
		for _, w := range next.watchers {
			w.push(next.note)
		}
	}
	d.deferring, d.deferred = false, nil
}

// withheld is a note that its watches are not told yet.
type deferredNote struct {
	note     note
	watchers []*watcher
}

// notify has watches tell something, when they may. The caller holds the lock.
func (d *DB) notify(n note, watchers []*watcher) {
	if d.deferring && len(watchers) > 0 {
		d.deferred = append(d.deferred, deferredNote{n, watchers})
		return
	}
	for _, w := range watchers {
		w.push(n)
	}
}

// record is one version of one object. It is never changed once it is in a table.
type record struct {
	key             string
	data            []byte // as the codec and the transformer made it
	created, modRev int64
	decoded         atomic.Pointer[shared] // nil until somebody needs it
	expires         time.Time              // zero: never
	expiry          *time.Timer
}

// shared is a decoded object that nobody may change.
type shared struct{ runtime.Object }

// event is one write. A deletion has no current record, a creation no previous one.
type event struct {
	rev           int64
	current, prev *record
}

func (e *event) key() string {
	if e.current != nil {
		return e.current.key
	}
	return e.prev.key
}

// table holds the objects of one resource.
type table struct {
	records   *btree.BTree[*record]
	history   []event
	written   time.Time
	dropped   int // as many events of the history keep no decoded object of their past
	compacted int64
	watchers  []*watcher // in the order in which they came, so that they hear in the same order
}

func newTable() *table {
	return &table{records: btree.New(16, func(a, b *record) bool { return a.key < b.key })}
}

func (d *DB) table(prefix string) *table {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[prefix]
	if t == nil {
		t = newTable()
		d.tables[prefix] = t
	}
	return t
}

func (t *table) get(key string) *record {
	r, _ := t.records.Get(&record{key: key})
	return r
}

// forget drops the events up to a revision.
func (t *table) forget(rev int64) {
	i := 0
	for i < len(t.history) && t.history[i].rev <= rev {
		i++
	}
	t.history = append([]event(nil), t.history[i:]...)
	t.dropped = max(0, t.dropped-i)
	t.compacted = max(t.compacted, rev)
}

// strip forgets the decoded objects that no watch is about to tell, if they are of the past or have been
// written once: most of those, such as events, are never read again.
func (t *table) dropDecoded() {
	for ; t.dropped <= len(t.history)-decodedHistory; t.dropped++ {
		e := &t.history[t.dropped]
		if e.prev != nil {
			e.prev.decoded.Store(nil)
		} else if e.current != nil {
			e.current.decoded.Store(nil)
		}
	}
}

// after gives the events younger than a revision.
func (t *table) after(rev int64) []event {
	i := len(t.history)
	for i > 0 && t.history[i-1].rev > rev {
		i--
	}
	return t.history[i:]
}

// at gives the records as they were at a revision that is not compacted.
func (t *table) at(rev int64) *btree.BTree[*record] {
	later := t.after(rev)
	if len(later) == 0 {
		return t.records
	}
	past := t.records.Clone()
	for i := len(later) - 1; i >= 0; i-- {
		if e := later[i]; e.prev != nil {
			past.ReplaceOrInsert(e.prev)
		} else {
			past.Delete(e.current)
		}
	}
	return past
}

// replace writes a record, nil for a deletion, in place of the previous one, nil if there was
// none, and tells the watchers. The caller holds the lock.
func (d *DB) replace(t *table, current, prev *record) int64 {
	d.rev++
	if current == nil {
		t.records.Delete(prev)
	} else {
		current.modRev, current.created = d.rev, d.rev
		if prev != nil {
			current.created = prev.created
		}
		t.records.ReplaceOrInsert(current)
	}
	if prev != nil && prev.expiry != nil {
		prev.expiry.Stop()
	}
	t.written = time.Now()
	e := event{rev: d.rev, current: current, prev: prev}
	t.history = append(t.history, e)
	if !d.deferring {
		t.dropDecoded()
	}
	if len(t.history) > 2*maxHistory {
		t.forget(t.history[maxHistory].rev)
	}
	d.reportWrite(current, prev)
	var watchers []*watcher
	for _, w := range t.watchers {
		if w.wants(e.key()) {
			watchers = append(watchers, w)
		}
	}
	d.notify(note{event: e}, watchers)
	return d.rev
}

// Resume lets the records of a loaded database expire when their time has come. Timers belong to
// the clock under which they are made, so that loading alone does not make them.
func (d *DB) StartTTLs() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.tables {
		t.records.Ascend(func(r *record) bool {
			if !r.expires.IsZero() {
				d.expire(t, r)
			}
			return true
		})
	}
}

// expire deletes the record when its time has come, unless it was replaced. The caller holds the
// lock.
func (d *DB) expire(t *table, r *record) {
	r.expiry = time.AfterFunc(time.Until(r.expires), func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if t.get(r.key) == r {
			d.replace(t, nil, r)
		}
	})
}
