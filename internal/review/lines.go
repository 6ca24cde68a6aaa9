package review

import "fmt"

const (
	// context is how many lines around a difference are shown.
	context = 2
	// maxCompared bounds the product of the lines of two texts that are compared line by line.
	maxCompared = 4_000_000
)

// lineDiff returns the lines in which two texts differ, with some around them; "..." stands for what is left out.
func lineDiff(before, after []string) []string {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head &&
		before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	b, a := before[head:len(before)-tail], after[head:len(after)-tail]
	var edits []string
	for _, line := range before[:head] {
		edits = append(edits, " "+line)
	}
	edits = append(edits, editsOf(b, a)...)
	for _, line := range before[len(before)-tail:] {
		edits = append(edits, " "+line)
	}
	return aroundEdits(edits)
}

// editsOf returns the shortest edits that turn one text into the other: of the longest common subsequence.
func editsOf(b, a []string) (edits []string) {
	if len(b)*len(a) > maxCompared {
		return []string{fmt.Sprintf("-(%d lines)", len(b)), fmt.Sprintf("+(%d lines)", len(a))}
	}
	common := make([][]int32, len(b)+1) // common[i][j]: of b[i:] and a[j:]
	for i := range common {
		common[i] = make([]int32, len(a)+1)
	}
	for i := len(b) - 1; i >= 0; i-- {
		for j := len(a) - 1; j >= 0; j-- {
			if b[i] == a[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(b) || j < len(a) {
		switch {
		case i < len(b) && j < len(a) && b[i] == a[j]:
			edits = append(edits, " "+b[i])
			i, j = i+1, j+1
		case j == len(a) || i < len(b) && common[i+1][j] >= common[i][j+1]:
			edits = append(edits, "-"+b[i])
			i++
		default:
			edits = append(edits, "+"+a[j])
			j++
		}
	}
	return edits
}

// aroundEdits leaves out lines that are far from any difference.
func aroundEdits(edits []string) (shown []string) {
	keep := make([]bool, len(edits))
	for i, line := range edits {
		if line[0] == ' ' {
			continue
		}
		for j := max(0, i-context); j <= min(len(edits)-1, i+context); j++ {
			keep[j] = true
		}
	}
	skipped := false
	for i, line := range edits {
		if !keep[i] {
			skipped = true
			continue
		}
		if skipped && len(shown) > 0 {
			shown = append(shown, " ...")
		}
		skipped = false
		shown = append(shown, line)
	}
	return shown
}
