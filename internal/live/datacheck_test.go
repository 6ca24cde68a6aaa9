package live

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

// storeKeys is how many keys the store holds that TestDamagedStoreIsRefused damages.
const storeKeys = 300

// The files that etcd keeps of it, and how much of them is written to.
const (
	storeLog, storeLogSize = "member/wal/0000000000000000-0000000000000000.wal", 80_000 // bytes
	storeDB, storeDBSize   = "member/snap/db", 120_000                                  // bytes
)

// damages are done to the folder of a store.
var damages = []struct {
	name string
	do   func(folder string) error
}{
	{"all is gone but the folder", remove("member")},
	{"the log is gone", remove("member/wal")},
	{"the file of the log is gone", remove(storeLog)},
	{"the log is empty", cut(storeLog, 0)},
	{"the log has one byte", cut(storeLog, 1)},
	{"the log ends in its first record", cut(storeLog, 50)},
	{"the log ends after a page", cut(storeLog, 4096)},
	{"the log ends in the middle", cut(storeLog, storeLogSize/2)},
	{"the log begins with garbage", overwrite(storeLog, 0, 8)},
	{"the log begins with a page of garbage", overwrite(storeLog, 0, 4096)},
	{"the log is a file", replaceBy("member/wal", "damaged")},
	{"the file of the log is a folder", replaceByFolder(storeLog)},
	{"the log goes on with garbage", replaceBy("member/wal/0000000000000001-0000000000000001.wal", "damaged")},
	{"the log goes on with nothing", replaceBy("member/wal/0000000000000001-0000000000000001.wal", "")},
	{"the database is gone", remove(storeDB)},
	{"the database is empty", cut(storeDB, 0)},
	{"the database has one byte", cut(storeDB, 1)},
	{"the database ends after a page", cut(storeDB, 4096)},
	{"the database ends in the middle", cut(storeDB, storeDBSize/2)},
	{"the database begins with garbage", overwrite(storeDB, 0, 8)},
	{"both heads of the database are garbage", overwrite(storeDB, 0, 8192)},
	{"the database has keys of pages that are garbage", spoilPages(storeDB)},
	{"the database has pages that do not end", spoilEnds(storeDB)},
	{"the database is a folder", replaceByFolder(storeDB)},
	{"the folder of the database is a file", replaceBy("member/snap", "damaged")},
	{"there is a snapshot of nothing", replaceBy("member/snap/0000000000000001-0000000000000001.snap", "")},
	{"there is a snapshot of garbage", replaceBy("member/snap/0000000000000001-0000000000000001.snap", "damaged")},
}

// TestDamagedStoreIsRefused damages the files of a store, at chosen places and at random ones. Either
// that is told with the way out, or everything is there all the same: etcd makes the database anew from its log.
func TestDamagedStoreIsRefused(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "etcd")
	fillStore(t, whole)
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) { refusedOrWhole(t, whole, d.do) })
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 30 {
		at, n := random.Int64N(storeLogSize), 1+random.IntN(32)
		t.Run(
			fmt.Sprintf("%d bytes of the log from %d on", n, at),
			func(t *testing.T) { refusedOrWhole(t, whole, overwrite(storeLog, at, n)) },
		)
		at = random.Int64N(storeDBSize)
		t.Run(
			fmt.Sprintf("%d bytes of the database from %d on", n, at),
			func(t *testing.T) { refusedOrWhole(t, whole, overwrite(storeDB, at, n)) },
		)
	}
}

// fillStore makes a store on a folder.
func fillStore(t *testing.T, folder string) {
	s, err := startStore(t.Context(), folder, io.Discard, func(err error) { panic(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	client := s.client(t)
	for i := range storeKeys {
		if _, err := client.Put(t.Context(), fmt.Sprintf("/key-%03d", i), strings.Repeat("value ", 30)); err != nil {
			t.Fatal(err)
		}
	}
}

// client connects to a store as the API server does.
func (s *store) client(t *testing.T) *clientv3.Client {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://etcd.memory:1"},
		Logger:    zap.NewNop(),
		DialOptions: []grpc.DialOption{
			grpc.WithContextDialer(
				func(ctx context.Context, _ string) (net.Conn, error) { return s.dial(ctx, "", "") },
			),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// refusedOrWhole starts etcd on a damaged copy of a store.
func refusedOrWhole(t *testing.T, whole string, damage func(folder string) error) {
	folder := filepath.Join(t.TempDir(), "etcd")
	if err := os.CopyFS(folder, os.DirFS(whole)); err != nil {
		t.Fatal(err)
	}
	if err := damage(folder); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := startStore(ctx, folder, io.Discard, func(err error) { panic(err) })
	if err != nil {
		if ctx.Err() != nil || !strings.Contains(err.Error(), "; put a copy of that folder in place, ") {
			t.Errorf("it says %v", err)
		}
		return
	}
	defer s.close()
	answer, err := s.client(t).Get(ctx, "/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil || answer.Count != storeKeys {
		t.Errorf("it has started, and got %v and %v, want %d keys", answer, err, storeKeys)
	}
}

func remove(name string) func(string) error {
	return func(folder string) error { return os.RemoveAll(filepath.Join(folder, name)) }
}

func cut(name string, size int64) func(string) error {
	return func(folder string) error { return os.Truncate(filepath.Join(folder, name), size) }
}

// overwrite writes n bytes that mean nothing.
func overwrite(name string, at int64, n int) func(string) error {
	return func(folder string) error {
		f, err := os.OpenFile(filepath.Join(folder, name), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteAt(bytes.Repeat([]byte("damaged "), n/8+1)[:n], at)
		return err
	}
}

// spoilPages changes the second key of all pages of a database that lead to other pages. Who reads all that is
// stored does not notice.
func spoilPages(name string) func(string) error {
	const head, element, branch = 16, 16, 1
	return eachPage(name, func(page []byte) {
		flags, count := binary.LittleEndian.Uint16(page[8:]), binary.LittleEndian.Uint16(page[10:])
		if flags != branch || count < 2 {
			return
		}
		second := page[head+element:]
		key := second[binary.LittleEndian.Uint32(second):][:binary.LittleEndian.Uint32(second[4:])]
		copy(key[len(key)-8:], "damaged ")
	})
}

// spoilEnds has pages with keys and values go on for more pages than there are.
func spoilEnds(name string) func(string) error {
	const leaf = 2
	return eachPage(name, func(page []byte) {
		if binary.LittleEndian.Uint16(page[8:]) == leaf {
			copy(page[12:16], "more")
		}
	})
}

func eachPage(name string, do func(page []byte)) func(string) error {
	const pageSize = 4096
	return func(folder string) error {
		name := filepath.Join(folder, name)
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for page := range slices.Chunk(data, pageSize) {
			do(page)
		}
		return os.WriteFile(name, data, 0o600)
	}
}

func replaceBy(name, text string) func(string) error {
	return func(folder string) error {
		if err := remove(name)(folder); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)
	}
}

func replaceByFolder(name string) func(string) error {
	return func(folder string) error {
		if err := remove(name)(folder); err != nil {
			return err
		}
		return os.Mkdir(filepath.Join(folder, name), 0o700)
	}
}
