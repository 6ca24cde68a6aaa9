package lsp

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/seatrial/seatrial/explain"
)

// commands are what an editor may run by name. Each takes one argument.
var commands = map[string]func(*Server, context.Context, positionParams) (any, error){
	"seatrial.explain": (*Server).explain,
	"seatrial.version": (*Server).version,
}

func commandNames() []string { return slices.Sorted(maps.Keys(commands)) }

// execute runs a command.
func (s *Server) execute(ctx context.Context, p executeCommandParams) (any, error) {
	f := commands[p.Command]
	if f == nil {
		return nil, invalid("unknown command %q", p.Command)
	}
	var place positionParams
	if len(p.Arguments) != 1 {
		return nil, invalid("%s takes one argument: textDocument and position", p.Command)
	}
	if err := json.Unmarshal(p.Arguments[0], &place); err != nil {
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: fmt.Sprintf("%s: %v", p.Command, err)}
	}
	return f(s, ctx, place)
}

// explanation is the answer to seatrial.explain.
type explanation struct {
	Address string `json:"address"` // as seatrial explain takes it
	*explain.Document
}

// explain returns what is known of the field at a place, with the fields below it; null if nothing is.
func (s *Server) explain(_ context.Context, p positionParams) (any, error) {
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return nil, nil
	}
	offset := s.edge.offset(d.file, p.Position)
	store, err := s.store(&d)
	if err != nil {
		return nil, err
	}
	for _, doc := range documentsAt(d.file, offset) {
		if !doc.Holds(offset) {
			continue
		}
		path, _ := doc.At(offset)
		if subject, _ := explained(store, doc, path); subject != nil {
			return explanation{subject.Address(), subject.Tree(explain.Depth{}, nil)}, nil
		}
	}
	return nil, nil
}

// version returns the Kubernetes version that a document is judged for.
func (s *Server) version(_ context.Context, p positionParams) (any, error) {
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return nil, nil
	}
	store, err := s.store(&d)
	if err != nil {
		return nil, err
	}
	return map[string]string{"kubernetesVersion": store.Version, "release": store.Release}, nil
}
