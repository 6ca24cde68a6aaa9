package lsp

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"sync"

	"github.com/sourcegraph/jsonrpc2"
)

// maxMessage bounds the bytes of a message.
const maxMessage = 256 << 20

// stream reads and writes the messages of the protocol. A message that is not a request is answered by an error, and
// the next one is read; where it is not known where a message ends, nothing more can be read.
type stream struct {
	in     *bufio.Reader
	closer io.Closer

	mu     sync.Mutex // of what follows
	out    *bufio.Writer
	failed error // what ended the reading before the end of the input
}

func newStream(in io.Reader, out io.Writer) *stream {
	s := &stream{in: bufio.NewReader(in), out: bufio.NewWriter(out)}
	s.closer, _ = in.(io.Closer) // so that nobody waits on it
	return s
}

// Close closes the input, if it can be closed.
func (s *stream) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// WriteObject writes a message.
func (s *stream) WriteObject(message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "Content-Length: %d\r\n\r\n", len(data)) // Flush returns the error
	_, _ = s.out.Write(data)
	return s.out.Flush()
}

// ReadObject reads the next message.
func (s *stream) ReadObject(message any) error {
	for {
		data, err := s.frame()
		if err != nil {
			return err
		}
		if err = json.Unmarshal(data, message); err == nil {
			return nil
		}
		refusal := jsonrpc2.Error{Code: jsonrpc2.CodeInvalidRequest, Message: err.Error()}
		if !json.Valid(data) {
			refusal.Code = jsonrpc2.CodeParseError
		}
		if err := s.WriteObject(map[string]any{"jsonrpc": "2.0", "id": nil, "error": &refusal}); err != nil {
			return err
		}
	}
}

// frame reads the bytes of the next message.
func (s *stream) frame() ([]byte, error) {
	if _, err := s.in.Peek(1); err != nil {
		return nil, err // the end of the input, between two messages
	}
	header, err := textproto.NewReader(s.in).ReadMIMEHeader()
	if err != nil {
		return nil, s.fail(fmt.Errorf("the editor sent no message of the protocol: %w", err))
	}
	size, err := strconv.Atoi(header.Get("Content-Length"))
	switch {
	case err != nil || size < 0:
		return nil, s.fail(fmt.Errorf("the editor sent a message with Content-Length %q", header.Get("Content-Length")))
	case size > maxMessage:
		return nil, s.fail(fmt.Errorf("the editor sent a message of %d bytes, more than %d", size, maxMessage))
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(s.in, data); err != nil {
		return nil, s.fail(
			fmt.Errorf("the message of the editor ends before its Content-Length, %d bytes: %w", size, err),
		)
	}
	return data, nil
}

// fail keeps the reason why the reading ends.
func (s *stream) fail(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return err // the server has ended
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
	return err
}

// failure returns what ended the reading before the end of the input.
func (s *stream) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}
