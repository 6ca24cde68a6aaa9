// Package memstore is an implementation of storage.Interface in memory: ordered keys, one revision for all objects,
// watches with history.
//
// The central type is [DB]; [Decorator] puts the registries of an API server on it in place of etcd, with one [Store]
// for each resource:
//
//	db := memstore.NewDB()
//	options := generic.RESTOptions{Decorator: memstore.Decorator(db), ...}
//
// The only goroutines are those of open watches, which wait on channels and timers, so that they can live in virtual
// time. [DB.Save] and [Load] write the objects to a file and read them.
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
	// maxHistory is how many events a resource keeps for watches and lists at earlier revisions.
	maxHistory = 5000
	// decodedHistory is how many of them keep their old objects decoded, for watches that have yet to deliver them.
	decodedHistory = 64
)

// DB holds the objects of one API server: the revision, and a table for each resource.
type DB struct {
	mu      sync.Mutex
	rev     int64
	tables  map[string]*table // by key prefix
	onWrite func(Write)       // or nil

	deferring bool // see Defer
	deferred  []deferredNote

	strings interner // of the objects that are shared
}

// Write is one change of one object.
type Write struct {
	Revision int64
	At       time.Time
	Key      string
	Data     []byte // the stored object; of a deletion, its last state; must not be changed
	Created  bool
	Deleted  bool
}

// OnWrite calls f for every object, then for every later write, in order. The database is locked meanwhile: f must
// neither use it nor wait.
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

// NewDB returns an empty database.
func NewDB() *DB {
	return &DB{rev: 1, tables: map[string]*table{}}
}

// Revision returns the number of the latest write.
func (d *DB) Revision() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rev
}

// Written returns when an object was last written whose key begins with the prefix of a resource; zero if there was
// none since the database was created or loaded.
func (d *DB) Written(resourcePrefix string) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.tables[resourcePrefix]; t != nil {
		return t.written
	}
	return time.Time{}
}

// Holds reports whether there is an object whose key begins with the prefix of a resource.
func (d *DB) Holds(resourcePrefix string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[resourcePrefix]
	return t != nil && t.records.Len() > 0
}

// Count returns the number of objects.
func (d *DB) Count() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.tables {
		n += t.records.Len()
	}
	return n
}

// Compact drops the history up to a revision, as etcd does from time to time.
func (d *DB) Compact(rev int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.tables {
		t.forget(rev)
	}
	d.rev++ // etcd's compactor writes its own key
}

// Defer defers the delivery of later writes to watches until Release. Reads see them at once. Earlier events must have
// been delivered: their old objects are no longer kept decoded.
func (d *DB) Defer() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.tables {
		t.dropDecoded()
	}
	d.deferring = true
}

// Release delivers the writes since Defer to the watches.
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

// deferredNote is a note that its watches have yet to receive.
type deferredNote struct {
	note     note
	watchers []*watcher
}

// notify passes a note to watches, now or at Release. The caller holds the lock.
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
	decoded         atomic.Pointer[shared] // nil until first used
	expires         time.Time              // zero: never
	expiry          *time.Timer
}

// shared is a decoded object that must not be changed.
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
	dropped   int // number of events whose old objects are no longer kept decoded
	compacted int64
	watchers  []*watcher // in the order in which they began, which is that of delivery
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

// dropDecoded drops the decoded forms of objects that no watch has yet to deliver, if they are old versions or were
// created: most of the latter, such as events, are never read again.
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

// after returns the events after a revision.
func (t *table) after(rev int64) []event {
	i := len(t.history)
	for i > 0 && t.history[i-1].rev > rev {
		i--
	}
	return t.history[i:]
}

// at returns the records at a revision that is not compacted.
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

// replace writes a record, nil for a deletion, in place of the previous one, nil if there was none, and notifies the
// watchers. The caller holds the lock.
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

// StartTTLs starts the timers with which the records of a loaded database expire. Timers belong to the clock under
// which they are created, so that Load does not create them.
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

// expire deletes the record at its time, unless it has been replaced. The caller holds the lock.
func (d *DB) expire(t *table, r *record) {
	r.expiry = time.AfterFunc(time.Until(r.expires), func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if t.get(r.key) == r {
			d.replace(t, nil, r)
		}
	})
}
