package main

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// result is how the rules agree with a peer.
type result struct {
	peer          peer
	bad, found    int
	good, flagged int
	disagreements []disagreement
	left          map[string]int // cases that are left out, by reason
}

// disagreement is a bad case that is not found, or a good one that is flagged.
type disagreement struct {
	testCase
	missing bool // no rule looks for the same
}

// key names a disagreement in explained.tsv.
func (d disagreement) key() string { return d.check + " " + d.name }

// String returns one line.
func (d disagreement) String() string {
	switch {
	case d.missing:
		return fmt.Sprintf("no rule: %s", d.key())
	case d.need > 0:
		return fmt.Sprintf("not found: %s", d.key())
	}
	return fmt.Sprintf("flagged: %s", d.key())
}

func (r *result) count(c testCase, flagged int, known bool) {
	agree := flagged >= c.need
	if c.need == 0 {
		agree = flagged == 0
		r.good++
	} else {
		r.bad++
	}
	switch {
	case c.need > 0 && agree:
		r.found++
	case c.need == 0 && !agree:
		r.flagged++
	}
	if !agree {
		r.disagreements = append(r.disagreements, disagreement{c, !known})
	}
}

// String returns the figures of a peer.
func (r *result) String() string {
	left := 0
	for _, n := range r.left {
		left += n
	}
	return fmt.Sprintf(
		"%s: %d of %d bad cases found (%s), %d of %d good ones flagged (%s), %d left out",
		r.peer.name, r.found, r.bad, percent(r.found, r.bad), r.flagged, r.good, percent(r.flagged, r.good), left,
	)
}

func percent(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}

//go:embed explained.tsv
var explainedTSV string

// readExplained returns why seatrial disagrees, by peer, check and name of the case.
func readExplained() (map[string]string, error) {
	all := map[string]string{}
	for line := range strings.Lines(explainedTSV) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(fields) != 4 {
			return nil, fmt.Errorf("explained.tsv: %q: %d fields, want 4", line, len(fields))
		}
		all[strings.Join(fields[:3], " ")] = fields[3]
	}
	return all, nil
}

// report returns the figures and the explanations as Markdown, and an error if there are disagreements without one.
func report(results []*result, explained map[string]string) (string, error) {
	var b strings.Builder
	b.WriteString("| tool | revision | bad cases found | good cases flagged | left out |\n|---|---|---|---|---|\n")
	for _, r := range results {
		left := 0
		for _, n := range r.left {
			left += n
		}
		fmt.Fprintf(&b, "| [%s](%s) | `%s` | %d of %d (%s) | %d of %d (%s) | %d |\n", r.peer.name, r.peer.url,
			r.peer.revision,
			r.found, r.bad, percent(r.found, r.bad), r.flagged, r.good, percent(r.flagged, r.good), left)
	}
	var unexplained []string
	for _, r := range results {
		fmt.Fprintf(&b, "\n### %s\n\n", r.peer.name)
		for _, reason := range slices.Sorted(maps.Keys(r.left)) {
			fmt.Fprintf(&b, "- left out, %d: %s\n", r.left[reason], reason)
		}
		byReason := map[string][]string{}
		for _, d := range r.disagreements {
			reason, ok := explained[r.peer.name+" "+d.key()]
			if !ok {
				unexplained = append(unexplained, r.peer.name+": "+d.String())
				continue
			}
			kind := "flagged"
			if d.need > 0 {
				kind = "not found"
			}
			byReason[kind+": "+reason] = append(byReason[kind+": "+reason], "`"+d.key()+"`")
		}
		for _, reason := range slices.Sorted(maps.Keys(byReason)) {
			fmt.Fprintf(&b, "- %s: %s\n", reason, strings.Join(byReason[reason], ", "))
		}
	}
	if len(unexplained) > 0 {
		return b.String(), fmt.Errorf(
			"%d disagreements are not explained:\n%s", len(unexplained), strings.Join(unexplained, "\n"),
		)
	}
	return b.String(), nil
}
