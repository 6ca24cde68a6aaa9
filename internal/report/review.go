package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/review"
)

// ReviewOptions say how the report of a review looks.
type ReviewOptions struct {
	Options
	Page string // address of the page with the whole report, for formats that leave something out; empty: none
}

// ReviewFormat is one way to write a review.
type ReviewFormat struct {
	Name  string
	Doc   string // one line
	Write func(w io.Writer, r *review.Report, o ReviewOptions) error
}

// ReviewFormats lists the formats of reviews; the first is the default.
var ReviewFormats = []ReviewFormat{
	{"text", "for people, at a terminal", writeReviewText},
	{"markdown", "a comment on a pull request or merge request, of less than 65,000 characters", writeReviewMarkdown},
	{"html", "one page for a browser, to look at and to hand on: it needs no network", writeReviewHTML},
	{"json", "for programs; docs/review-report.schema.json describes it", writeReviewJSON},
}

// ReviewNames lists the names of the formats of reviews.
func ReviewNames() []string {
	return namesOf(ReviewFormats, func(f ReviewFormat) string { return f.Name })
}

// LookupReview finds a format of reviews by its name.
func LookupReview(name string) (ReviewFormat, error) {
	return lookup(name, ReviewFormats, func(f ReviewFormat) string { return f.Name })
}

// jsonReview is a review as docs/review-report.schema.json describes it.
type jsonReview struct {
	APIVersion   string                     `json:"apiVersion"`
	Kind         string                     `json:"kind"`
	Risk         review.Risk                `json:"risk"`
	Base         review.Revision            `json:"base"`
	Head         review.Revision            `json:"head"`
	Environments []review.EnvironmentReport `json:"environments"`
	Unchanged    int                        `json:"unchanged"`
	Changes      []review.Change            `json:"changes"`
	Refused      []jsonReviewFinding        `json:"refused"`
	New          []jsonReviewFinding        `json:"new"`
	Fixed        []jsonReviewFinding        `json:"fixed"`
	Before       int                        `json:"before"`
	Known        []jsonReviewFinding        `json:"known,omitempty"`
	Consequences []review.Consequence       `json:"consequences"`
	Totals       []review.Total             `json:"totals"`
	NodeRooms    []review.NodeRoom          `json:"nodeRooms"`
	Rollouts     []review.Rollout           `json:"rollouts"`
	Notes        []string                   `json:"notes"`
}

type jsonReviewFinding struct {
	jsonDiagnostic
	Environments []string `json:"environments"`
	Update       bool     `json:"update,omitempty"` // it is refused as an update of what is there
}

func jsonReviewOf(r *review.Report, all bool) jsonReview {
	out := jsonReview{
		APIVersion: "seatrial/v1", Kind: "ReviewReport", Risk: r.Risk(), Base: r.Base, Head: r.Head,
		Environments: orEmpty(r.Environments), Unchanged: r.Unchanged, Changes: orEmpty(r.Changes),
		Refused: findingsOf(r.Refused), New: findingsOf(r.New), Fixed: findingsOf(r.Fixed), Before: r.Before,
		Consequences: orEmpty(r.Consequences), Totals: orEmpty(r.Totals),
		NodeRooms: orEmpty(r.NodeRooms), Rollouts: orEmpty(r.Rollouts), Notes: orEmpty(r.Notes),
	}
	if all {
		out.Known = findingsOf(r.Known)
	}
	out.fillLists()
	return out
}

// fillLists makes lists of the parts empty that would be null in JSON. The parts are copied.
func (out *jsonReview) fillLists() {
	out.Environments, out.Changes = slices.Clone(out.Environments), slices.Clone(out.Changes)
	out.Consequences, out.Rollouts = slices.Clone(out.Consequences), slices.Clone(out.Rollouts)
	for i := range out.Environments {
		e := &out.Environments[i]
		e.Reasons, e.Varying = orEmpty(e.Reasons), orEmpty(e.Varying)
	}
	for i := range out.Changes {
		out.Changes[i].Fields = orEmpty(out.Changes[i].Fields)
	}
	for i := range out.Consequences {
		out.Consequences[i].Details = orEmpty(out.Consequences[i].Details)
	}
	for i := range out.Rollouts {
		o := &out.Rollouts[i]
		o.Workloads, o.Problems, o.Remedies = orEmpty(o.Workloads), orEmpty(o.Problems), orEmpty(o.Remedies)
	}
}

// orEmpty returns a list that is never null in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func findingsOf(all []review.Finding) []jsonReviewFinding {
	out := make([]jsonReviewFinding, len(all))
	for i, f := range all {
		out[i] = jsonReviewFinding{jsonOf(f.Diagnostic), f.Environments, f.Update}
	}
	return out
}

func writeReviewJSON(w io.Writer, r *review.Report, o ReviewOptions) error {
	return encode(w, jsonReviewOf(r, o.All))
}

// reviewTitle says a review in one line.
func reviewTitle(r *review.Report) string {
	total := len(r.Environments) + r.Unchanged
	if len(r.Environments) == 0 {
		if total == 1 {
			return "no change in the one environment"
		}
		return fmt.Sprintf("no change in %d environments", total)
	}
	risk := r.Risk().String()
	if r.Risk() == review.None {
		risk = "no"
	}
	if total == 1 {
		return risk + " risk: the one environment changes"
	}
	return fmt.Sprintf("%s risk, %d of %s %s", risk, len(r.Environments), Plural(total, "environment"),
		map[bool]string{true: "changes", false: "change"}[len(r.Environments) == 1])
}

// sides names what is compared: main (1a2b3c4) -> working tree.
func sides(r *review.Report) string {
	name := func(v review.Revision) string {
		if len(v.Commit) >= 7 && !strings.HasPrefix(v.Commit, v.Name) {
			return fmt.Sprintf("%s (%s)", shortHash(v.Name), v.Commit[:7])
		}
		return shortHash(v.Name)
	}
	return name(r.Base) + " -> " + name(r.Head)
}

// hash matches the name of a commit.
var hash = regexp.MustCompile(`\b([0-9a-f]{7})[0-9a-f]{33}\b`)

// shortHash shortens the names of commits in the name of a revision.
func shortHash(name string) string { return hash.ReplaceAllString(name, "$1") }

// markedLine sets the mark of a line that differs apart from its text, which may begin with another one.
func markedLine(line string) string {
	if line == "" {
		return line
	}
	return line[:1] + " " + line[1:]
}

// countedChanges says how many objects are created, updated, deleted and renamed.
func countedChanges(changes []review.Change) string {
	counts := map[string]int{}
	for _, c := range changes {
		counts[c.Action] += len(c.Environments)
	}
	var parts []string
	for _, a := range []struct{ action, word string }{
		{review.Create, "created"}, {review.Update, "changed"}, {review.Delete, "deleted"}, {review.Rename, "renamed"},
	} {
		if n := counts[a.action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, a.word))
		}
	}
	return strings.Join(parts, ", ")
}

// countedFindings says how many findings there are of each severity.
func countedFindings(all []review.Finding) string {
	counts := map[diag.Severity]int{}
	for _, f := range all {
		counts[f.Severity]++
	}
	var parts []string
	for s := diag.Error; s <= diag.Info; s++ {
		if counts[s] > 0 {
			parts = append(parts, Plural(counts[s], s.String()))
		}
	}
	return strings.Join(parts, ", ")
}

// inEnvironments names environments, of which a few are shown.
func inEnvironments(r *review.Report, names []string) string {
	const most = 3
	if len(names) == len(r.Environments) && len(names) > most {
		return fmt.Sprintf("all %d environments", len(names))
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), len(names)-most+1)
	}
	return strings.Join(names, ", ")
}

// objectName names an object of a change, with what it was called before.
func objectName(c *review.Change) string {
	name := c.Object.String()
	if c.Action == review.Rename {
		name += ", was " + c.Was.String()
	}
	return name
}

// fateText says what becomes of an object that is applied no more.
func fateText(c *review.Change) string {
	switch c.Fate {
	case "":
		return ""
	case review.Left:
		return "stays in the cluster: " + c.Why
	}
	return "is deleted: " + c.Why
}

// roomTexts says how much of each resource is left.
func roomTexts(rooms []review.Room) string {
	var texts []string
	for _, r := range rooms {
		if over, ok := strings.CutPrefix(r.Left, "-"); ok {
			texts = append(texts, fmt.Sprintf("%s is %s over %s", r.Resource, over, r.Of))
			continue
		}
		texts = append(texts, fmt.Sprintf("%s %s of %s", r.Resource, r.Left, r.Of))
	}
	return strings.Join(texts, ", ")
}

// reviewPlace names a line of a file.
func reviewPlace(file string, line int) string {
	if file == "" {
		return ""
	}
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}
