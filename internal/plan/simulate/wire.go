package simulate

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// wireInput is an Input in JSON. Documents are handed over as the files that they are from, which are read again, so
// that they keep their places.
type wireInput struct {
	Files    []wireFile       `json:"files"`
	Change   []wireDocument   `json:"change"`
	From     []wireDocument   `json:"from"`
	Nodes    []*corev1.Node   `json:"nodes,omitempty"`
	Scenario *plan.Scenario   `json:"scenario,omitempty"`
	Applied  [][]wireDocument `json:"applied,omitempty"` // by the actions of the scenario
	Seed     int64            `json:"seed"`
	Until    time.Duration    `json:"until"`
	Prune    bool             `json:"prune"`
	Reasons  bool             `json:"reasons"`
	Asked    []string         `json:"asked,omitempty"`

	Strict      bool             `json:"strict,omitempty"`
	External    []string         `json:"external,omitempty"`
	After       *plan.Disruption `json:"after,omitempty"`
	Definitions []wireDocument   `json:"definitions,omitempty"`

	SchedulerConfig []byte            `json:"schedulerConfig,omitempty"`
	Fit             *plan.FitQuestion `json:"fit,omitempty"`
	NodeGroups      []plan.NodeGroup  `json:"nodeGroups,omitempty"`
	FixedGroups     bool              `json:"fixedGroups,omitempty"`
	Expander        string            `json:"expander,omitempty"`

	ServerSide     bool `json:"serverSide"`
	ForceConflicts bool `json:"forceConflicts"`
}

type wireFile struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// wireDocument names a document: the file by its index, the number in the file, and the item of a List.
type wireDocument struct {
	File   int    `json:"file"`
	Number int    `json:"number"`
	Item   string `json:"item,omitempty"`
}

// MarshalJSON writes an input for another process. Rest is left out.
func (in Input) MarshalJSON() ([]byte, error) {
	if in.adjust != nil {
		return nil, fmt.Errorf("an input with adjusted objects cannot be written")
	}
	e := &encoder{index: map[*source.File]int{}}
	w := wireInput{
		Change: e.documents(in.Change), From: e.documents(in.From), Nodes: in.Nodes, Scenario: in.Scenario,
		Seed: in.Seed, Until: in.Until, Prune: in.Prune, Reasons: in.Reasons, Asked: in.Asked,
		ServerSide: in.ServerSide, ForceConflicts: in.ForceConflicts,
		Strict: in.Strict, External: in.External, After: in.After, Definitions: e.documents(in.Definitions),
		SchedulerConfig: in.SchedulerConfig, Fit: in.Fit, NodeGroups: in.NodeGroups, Expander: in.Expander,
		FixedGroups: in.FixedGroups,
	}
	if in.Scenario != nil {
		for i := range in.Scenario.Actions {
			w.Applied = append(w.Applied, e.documents(in.Scenario.Actions[i].Documents))
		}
	}
	w.Files = e.files
	return json.Marshal(w)
}

// encoder collects the files of documents.
type encoder struct {
	files []wireFile
	index map[*source.File]int
}

func (e *encoder) documents(docs []*manifest.Document) []wireDocument {
	all := []wireDocument{}
	for _, d := range docs {
		i, known := e.index[d.File]
		if !known {
			i = len(e.files)
			e.index[d.File] = i
			e.files = append(e.files, wireFile{d.File.Name, d.File.Data})
		}
		all = append(all, wireDocument{i, d.Number, d.Item})
	}
	return all
}

// UnmarshalJSON reads what MarshalJSON has written.
func (in *Input) UnmarshalJSON(data []byte) error {
	var w wireInput
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	d := decoderOf(w.Files)
	*in = Input{
		Change: d.documents(w.Change), From: d.documents(w.From), Nodes: w.Nodes, Scenario: w.Scenario,
		Seed: w.Seed, Until: w.Until, Prune: w.Prune, Reasons: w.Reasons, Asked: w.Asked,
		ServerSide: w.ServerSide, ForceConflicts: w.ForceConflicts,
		Strict: w.Strict, External: w.External, After: w.After, Definitions: d.documents(w.Definitions),
		SchedulerConfig: w.SchedulerConfig, Fit: w.Fit, NodeGroups: w.NodeGroups, Expander: w.Expander,
		FixedGroups: w.FixedGroups,
	}
	for i, docs := range w.Applied {
		if in.Scenario == nil || i >= len(in.Scenario.Actions) {
			return fmt.Errorf("documents of action %d, which the scenario does not have", i)
		}
		in.Scenario.Actions[i].Documents = d.documents(docs)
	}
	return d.err
}

// wireDecoder finds the documents of files.
type wireDecoder struct {
	found map[wireDocument]*manifest.Document
	err   error // the first document that a file does not have
}

func decoderOf(files []wireFile) *wireDecoder {
	d := &wireDecoder{found: map[wireDocument]*manifest.Document{}}
	for i, f := range files {
		docs, _ := manifest.Read(source.NewFile(f.Name, f.Data), manifest.DefaultLimits) // others may be broken
		for _, doc := range docs {
			d.found[wireDocument{i, doc.Number, doc.Item}] = doc
		}
	}
	return d
}

func (d *wireDecoder) documents(wanted []wireDocument) (docs []*manifest.Document) {
	for _, w := range wanted {
		doc := d.found[w]
		if doc == nil && d.err == nil {
			d.err = fmt.Errorf("file %d has no document %d %s", w.File, w.Number, w.Item)
		}
		docs = append(docs, doc)
	}
	return docs
}
