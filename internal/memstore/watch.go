package memstore

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	utilflowcontrol "k8s.io/apiserver/pkg/util/flowcontrol"
)

// progressInterval is how often a watch with progress notifications receives the revision, as from etcd.
const progressInterval = 5 * time.Second

// note is what a watcher delivers: an event, a bookmark or an error.
type note struct {
	event        event
	bookmark     int64 // a revision, or 0
	endOfInitial bool
	err          error
}

// watcher is one open watch.
type watcher struct {
	store     *Store
	key       string
	recursive bool
	progress  bool
	pred      storage.SelectionPredicate
	ctx       context.Context
	cancel    context.CancelFunc
	result    chan watch.Event
	wake      chan struct{}

	mu    sync.Mutex
	queue []note
}

func (w *watcher) wants(key string) bool {
	if w.recursive {
		return strings.HasPrefix(key, w.key)
	}
	return key == w.key
}

func (w *watcher) push(n note) {
	w.mu.Lock()
	w.queue = append(w.queue, n)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []note {
	w.mu.Lock()
	defer w.mu.Unlock()
	notes := w.queue
	w.queue = nil
	return notes
}

// Watch watches the objects that a predicate selects, from a revision on.
func (s *Store) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	key, err := s.key(key, opts.Recursive)
	if err != nil {
		return nil, err
	}
	from, err := s.versioner.ParseResourceVersion(opts.ResourceVersion)
	if err != nil {
		return nil, err
	}
	if opts.ProgressNotify && s.newFunc == nil {
		return nil, apierrors.NewInternalError(errors.New(
			"progressNotify for watch is unsupported by the etcd storage because no newFunc was provided"))
	}
	w := &watcher{
		store:     s,
		key:       key,
		recursive: opts.Recursive,
		progress:  opts.ProgressNotify,
		pred:      opts.Predicate,
		result:    make(chan watch.Event, 100),
		wake:      make(chan struct{}, 1),
	}
	w.ctx, w.cancel = context.WithCancel(ctx)
	s.db.mu.Lock()
	w.queue = s.backlog(w, int64(from), opts)
	s.table.watchers = append(s.table.watchers, w)
	s.db.mu.Unlock()
	w.wake <- struct{}{}
	go w.run()
	utilflowcontrol.WatchInitialized(ctx)
	return w, nil
}

// backlog returns what a new watch delivers before any new event. The caller holds the lock.
func (s *Store) backlog(w *watcher, from int64, opts storage.ListOptions) (notes []note) {
	initial := from == 0
	if opts.SendInitialEvents != nil {
		initial = *opts.SendInitialEvents
	}
	switch {
	case initial && from > s.db.rev:
		return []note{{err: storage.NewTooLargeResourceVersionError(uint64(from), uint64(s.db.rev), 1)}}
	case initial:
		s.table.records.AscendGreaterOrEqual(&record{key: w.key}, func(r *record) bool {
			if w.wants(r.key) {
				notes = append(notes, note{event: event{rev: r.modRev, current: r}})
			}
			return w.recursive && strings.HasPrefix(r.key, w.key)
		})
		if opts.SendInitialEvents != nil && opts.Predicate.AllowWatchBookmarks {
			notes = append(notes, note{bookmark: s.db.rev, endOfInitial: true})
		}
	case from > 0 && from < s.table.compacted:
		return []note{{err: apierrors.NewResourceExpired("The resourceVersion for the provided watch is too old.")}}
	case from > 0:
		for _, e := range s.table.after(from) {
			if w.wants(e.key()) {
				notes = append(notes, note{event: e})
			}
		}
	}
	return notes
}

// RequestWatchProgress delivers the revision to the watches with progress notifications.
func (s *Store) RequestWatchProgress(context.Context) error {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	for _, w := range s.table.watchers {
		if w.progress {
			s.db.notify(note{bookmark: s.db.rev}, []*watcher{w})
		}
	}
	return nil
}

// Stop ends the watch.
func (w *watcher) Stop() { w.cancel() }

// ResultChan is closed when the watch has ended.
func (w *watcher) ResultChan() <-chan watch.Event { return w.result }

func (w *watcher) run() {
	defer w.close()
	var tick <-chan time.Time
	if w.progress {
		t := time.NewTicker(progressInterval)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-tick:
			w.push(note{bookmark: w.store.db.Revision()})
		case <-w.wake:
			if !w.deliver(w.take()) {
				return
			}
		}
	}
}

func (w *watcher) close() {
	w.cancel()
	db := w.store.db
	db.mu.Lock()
	t := w.store.table
	t.watchers = slices.DeleteFunc(t.watchers, func(other *watcher) bool { return other == w })
	db.mu.Unlock()
	close(w.result)
}

// deliver sends the events of notes, and reports whether the watch goes on: it ends with an error.
func (w *watcher) deliver(notes []note) bool {
	for i := range notes {
		e := w.toEvent(&notes[i])
		if e == nil {
			continue
		}
		select {
		case w.result <- *e:
		case <-w.ctx.Done():
			return false
		}
		if e.Type == watch.Error {
			return false
		}
	}
	return true
}

// toEvent returns the event of a note, nil if the client does not see it.
func (w *watcher) toEvent(n *note) *watch.Event {
	var e *watch.Event
	err := n.err
	switch {
	case err != nil:
	case n.bookmark > 0:
		e, err = w.store.bookmark(n)
	default:
		e, err = w.change(&n.event)
	}
	if err != nil {
		return &watch.Event{Type: watch.Error, Object: status(err)}
	}
	return e
}

func (s *Store) bookmark(n *note) (*watch.Event, error) {
	obj := s.newFunc()
	if err := s.versioner.UpdateObject(obj, uint64(n.bookmark)); err != nil {
		return nil, err
	}
	if n.endOfInitial {
		if err := storage.AnnotateInitialEventsEndBookmark(obj); err != nil {
			return nil, err
		}
	}
	return &watch.Event{Type: watch.Bookmark, Object: obj}, nil
}

// change returns the event of a write for a client that sees only what its predicate selects, nil if there is none.
func (w *watcher) change(e *event) (*watch.Event, error) {
	current, sees, err := w.look(e.current)
	if err != nil {
		return nil, err
	}
	var before runtime.Object
	saw := e.prev != nil
	if saw && (e.current == nil || !w.pred.Empty()) {
		if before, saw, err = w.look(e.prev); err != nil && e.current == nil {
			return nil, unreadable(err)
		} else if err != nil {
			return nil, err
		}
	}
	switch {
	case sees && saw:
		return &watch.Event{Type: watch.Modified, Object: current.DeepCopyObject()}, nil
	case sees:
		return &watch.Event{Type: watch.Added, Object: current.DeepCopyObject()}, nil
	case saw:
		gone := before.DeepCopyObject()
		return &watch.Event{Type: watch.Deleted, Object: gone}, w.store.versioner.UpdateObject(gone, uint64(e.rev))
	}
	return nil, nil
}

// unreadable returns the error for a deleted object whose last state cannot be decoded, in the words of the etcd
// storage.
func unreadable(err error) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusInternalServerError, Reason: metav1.StatusReasonStoreReadError,
		Message: "saw a DELETED event, but object data is corrupt - " + err.Error(),
	}}
}

// look decodes a record and reports whether the predicate selects it.
func (w *watcher) look(r *record) (runtime.Object, bool, error) {
	if r == nil {
		return nil, false, nil
	}
	obj, err := w.store.view(w.ctx, r)
	if err != nil || w.pred.Empty() {
		return obj, true, err
	}
	selected, err := w.pred.Matches(obj)
	return obj, err == nil && selected, nil
}

func status(err error) *metav1.Status {
	var known apierrors.APIStatus
	if errors.As(err, &known) {
		s := known.Status()
		return &s
	}
	return &metav1.Status{
		Status:  metav1.StatusFailure,
		Message: err.Error(),
		Code:    http.StatusInternalServerError,
		Reason:  metav1.StatusReasonInternalError,
	}
}
