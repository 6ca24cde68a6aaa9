package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

// errDamaged is an error about files of a store that are not as etcd left them.
var errDamaged = errors.New("its data are damaged")

// etcdKeys is the bucket in which etcd keeps keys and values.
var etcdKeys = []byte("key")

// consistentIndex is the key, in the bucket of metadata, of the number of the last write in the database.
var etcdMeta, consistentIndex = []byte("meta"), []byte("consistent_index")

// checkData checks the files that etcd is about to open. etcd would end the process on most damage, without an error
// that can be reported; if the log is missing or ends before the database, it would wait.
func checkData(folder string) error {
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return nil // a new one
	}
	if _, err := os.Stat(filepath.Join(folder, "member")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: nothing is left of them", errDamaged)
	}
	database := filepath.Join(folder, "member", "snap", "db")
	held := contents{}
	if file, err := os.Stat(database); err == nil && file.Size() > 0 { // else etcd creates it again from its log
		if held, err = readDatabase(database); err != nil {
			return err
		}
	}
	written := filepath.Join(folder, "member", "wal")
	logs, err := filepath.Glob(filepath.Join(written, "*.wal"))
	switch {
	case err != nil:
		return err
	case len(logs) == 0 && held.keys > 0:
		return fmt.Errorf("%w: the log in %s is gone", errDamaged, written)
	case len(logs) == 0:
		return nil
	}
	last, err := readLog(written)
	if err == nil && last < held.applied {
		err = fmt.Errorf(
			"it ends with write %d, and the database holds %d: it was cut off, or is of another time", last,
			held.applied,
		)
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errDamaged, written, err)
	}
	return nil
}

// contents are the contents of a database.
type contents struct {
	keys    int    // of etcd's clients
	applied uint64 // number of the last write of the log that is in it
}

// readDatabase reads a whole database.
func readDatabase(name string) (held contents, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a file that is too short
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %s: %v", errDamaged, name, r)
		}
	}()
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if errors.Is(err, fs.ErrPermission) {
		return held, err
	}
	if err != nil {
		return held, fmt.Errorf("%w: %s: %w", errDamaged, name, err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(etcdMeta); meta != nil {
			if index := meta.Get(consistentIndex); len(index) == 8 {
				held.applied = binary.BigEndian.Uint64(index)
			}
		}
		if err := checkPages(name, uint64(db.Info().PageSize), tx); err != nil {
			return err
		}
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			n, err := readBucket(b, bytes.Equal(name, etcdKeys))
			held.keys += n
			return err
		})
	})
	if err != nil {
		return held, fmt.Errorf("%w: %s: %w", errDamaged, name, err)
	}
	return held, nil
}

// pages are the pages of a database. The database itself does not check them: a damaged one would end the process, from
// a goroutine of its own, or fill its memory.
type pages struct {
	file io.ReaderAt
	size uint64 // of one, in bytes
	used uint64 // number of pages
	seen map[uint64]bool
}

const (
	branchPage, leafPage = 1, 2
	bucketEntry          = 1
	pageHead, pageEntry  = 16, 16 // bytes
)

// checkPages checks that the pages of a database refer to each other as etcd expects at its start.
func checkPages(name string, size uint64, tx *bbolt.Tx) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer closeQuietly(f)
	p := pages{f, size, uint64(tx.Size()) / size, map[uint64]bool{}}
	return p.check(uint64(tx.Cursor().Bucket().RootPage()), nil, nil)
}

var errPage = errors.New("its pages do not hang together")

// check checks a page and those below it, whose keys are at or after one key, and before another if that is not nil.
func (p *pages) check(id uint64, from, below []byte) error {
	page, err := p.read(id)
	if err != nil {
		return err
	}
	count := uint64(binary.LittleEndian.Uint16(page[10:]))
	entries := make([]entry, count)
	for i := range entries {
		if entries[i], err = readEntry(page, uint64(i)); err != nil {
			return err
		}
		key := entries[i].key
		if i == 0 && bytes.Compare(key, from) < 0 || i > 0 && bytes.Compare(key, entries[i-1].key) <= 0 ||
			below != nil && bytes.Compare(key, below) >= 0 {
			return errPage
		}
	}
	for i, e := range entries {
		switch {
		case binary.LittleEndian.Uint16(page[8:]) == leafPage && e.bucket == 0:
			continue
		case binary.LittleEndian.Uint16(page[8:]) == leafPage:
			err = p.check(e.bucket, nil, nil)
		case i+1 < len(entries):
			err = p.check(e.child, e.key, entries[i+1].key)
		default:
			err = p.check(e.child, e.key, below)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read returns a page with its overflow. None is read twice.
func (p *pages) read(id uint64) ([]byte, error) {
	head := make([]byte, pageHead)
	if id < 2 || id >= p.used {
		return nil, errPage
	}
	if _, err := p.file.ReadAt(head, int64(id*p.size)); err != nil {
		return nil, err
	}
	more, flags := uint64(binary.LittleEndian.Uint32(head[12:])), binary.LittleEndian.Uint16(head[8:])
	if binary.LittleEndian.Uint64(head) != id || id+more >= p.used || flags != branchPage && flags != leafPage {
		return nil, errPage
	}
	for i := range more + 1 {
		if p.seen[id+i] {
			return nil, errPage
		}
		p.seen[id+i] = true
	}
	page := make([]byte, p.size*(more+1))
	_, err := p.file.ReadAt(page, int64(id*p.size))
	return page, err
}

// entry is an entry of a page: of a branch, the page below; of a leaf, a key with its value, or a bucket.
type entry struct {
	key    []byte
	child  uint64 // of a branch
	bucket uint64 // its first page; 0: it is none, or in the leaf itself
}

func readEntry(page []byte, i uint64) (e entry, err error) {
	at := pageHead + i*pageEntry
	part := func(from, n uint64) []byte {
		if err != nil || from > uint64(len(page)) || n > uint64(len(page))-from {
			err = errPage
			return nil
		}
		return page[from : from+n]
	}
	number := func(from uint64) uint64 {
		if b := part(from, 4); b != nil {
			return uint64(binary.LittleEndian.Uint32(b))
		}
		return 0
	}
	if binary.LittleEndian.Uint16(page[8:]) == branchPage {
		e.key = part(at+number(at), number(at+4))
		if b := part(at+8, 8); b != nil {
			e.child = binary.LittleEndian.Uint64(b)
		}
		return e, err
	}
	from, n := at+number(at+4), number(at+8)
	e.key = part(from, n)
	value := part(from+n, number(at+12))
	if number(at)&bucketEntry == 0 || err != nil {
		return e, err
	}
	if len(value) < 16 {
		return e, errPage
	}
	e.bucket = binary.LittleEndian.Uint64(value)
	return e, nil
}

// readBucket reads a bucket, in which keys ascend, and returns the number of keys of etcd's clients.
func readBucket(b *bbolt.Bucket, ofClients bool) (keys int, err error) {
	var last []byte
	err = b.ForEach(func(k, v []byte) error {
		if last != nil && bytes.Compare(last, k) >= 0 {
			return errors.New("its keys are out of order")
		}
		last = k
		if !ofClients {
			return nil
		}
		keys++
		return proto.Unmarshal(v, new(mvccpb.KeyValue))
	})
	return keys, err
}

// readLog reads the write-ahead log without changing it: etcd itself would repair damage at its beginning to an empty
// log. What a killed process has cut short at the end was never acknowledged. It returns the number of the last write.
func readLog(folder string) (last uint64, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	snapshots, err := wal.ValidSnapshotEntries(zap.NewNop(), folder)
	if err != nil {
		return 0, err
	}
	if len(snapshots) == 0 {
		return 0, errors.New("it is cut off at its beginning")
	}
	snapshot := snapshots[len(snapshots)-1]
	if _, err := wal.Verify(zap.NewNop(), folder, snapshot); err != nil {
		return 0, err
	}
	w, err := wal.OpenForRead(zap.NewNop(), folder, snapshot)
	if err != nil {
		return 0, err
	}
	defer w.Close()
	_, _, writes, err := w.ReadAll()
	if err != nil {
		return 0, err
	}
	last = snapshot.GetIndex()
	for _, e := range writes {
		last = max(last, e.GetIndex())
	}
	return last, nil
}
