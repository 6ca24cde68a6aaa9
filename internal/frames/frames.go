// Package frames reads embedded data that consists of an index in JSON and pieces that it points to, each compressed by itself.
// A reader decompresses the index and what it needs.
//
//	rest, err := frames.ReadIndex(data, &index)
//	piece, err := frames.Decompress(rest[index.Offset : index.Offset+index.Length])
package frames

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0))
	if err != nil {
		panic(err) // wrong options, a defect of this file
	}
	return d
})

// ReadIndex reads the index at the beginning of data, and returns what comes after it.
func ReadIndex(data []byte, index any) (rest []byte, err error) {
	if len(data) < 4 {
		return nil, fmt.Errorf("%d bytes are too few", len(data))
	}
	n := int(binary.BigEndian.Uint32(data))
	if n > len(data)-4 {
		return nil, errors.New("cut short")
	}
	text, err := Decompress(data[4 : 4+n])
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	if err := json.Unmarshal(text, index); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	return data[4+n:], nil
}

// Decompress returns the content of a piece. It may be called from many goroutines.
func Decompress(piece []byte) ([]byte, error) { return decoder().DecodeAll(piece, nil) }
