package memstore

import (
	"encoding/gob"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// snapshot is the saved form of a database, without history.
type snapshot struct {
	Revision int64
	Tables   []savedTable // by prefix
}

type savedTable struct {
	Prefix  string
	Records []savedRecord // by key
}

type savedRecord struct {
	Key               string
	Data              []byte
	Created, Modified int64 // revisions
	Expires           time.Time
}

// Save writes every object. Equal content is written as equal bytes.
func (d *DB) Save(w io.Writer) error {
	if err := gob.NewEncoder(w).Encode(d.snapshot()); err != nil {
		return fmt.Errorf("writing a snapshot: %w", err)
	}
	return nil
}

func (d *DB) snapshot() snapshot {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := snapshot{Revision: d.rev}
	for _, prefix := range slices.Sorted(maps.Keys(d.tables)) {
		saved := savedTable{Prefix: prefix}
		d.tables[prefix].records.Ascend(func(r *record) bool {
			saved.Records = append(saved.Records, savedRecord{r.key, r.data, r.created, r.modRev, r.expires})
			return true
		})
		if len(saved.Records) > 0 {
			s.Tables = append(s.Tables, saved)
		}
	}
	return s
}

// Load reads what Save wrote. Objects are decoded on first use, and expire after StartTTLs.
func Load(r io.Reader) (*DB, error) {
	var s snapshot
	if err := gob.NewDecoder(r).Decode(&s); err != nil {
		return nil, fmt.Errorf("reading a snapshot: %w", err)
	}
	d := &DB{rev: s.Revision, tables: map[string]*table{}}
	for _, saved := range s.Tables {
		t := newTable()
		t.compacted = s.Revision
		for _, x := range saved.Records {
			t.records.ReplaceOrInsert(&record{
				key: x.Key, data: x.Data, created: x.Created, modRev: x.Modified, expires: x.Expires,
			})
		}
		d.tables[saved.Prefix] = t
	}
	return d, nil
}
