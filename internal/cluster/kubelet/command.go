package kubelet

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FileChange is a file that a command writes or removes.
type FileChange struct {
	After time.Duration // from the start of the command
	Path  string
	Gone  bool
	Text  string // that is in it, as far as it is known
}

// commandEffect is what a command does, as far as it is understood: the commands with which examples end (true, false,
// exit N, sleep N), print (echo), and create and remove files (touch, rm, echo > FILE), alone or in a shell script.
type commandEffect struct {
	takes  time.Duration
	ends   bool // by itself, with code
	code   int32
	slept  bool // until its end
	files  []FileChange
	output string

	assumed bool // nobody knows: it has conditions or loops
}

// interpret returns the effect of a command. A statement that it does not understand takes no time and succeeds, unless
// it is the last: then the command does not end. The effect of a script with conditions or loops is assumed.
func interpret(command []string) (c commandEffect) {
	all := statements(command)
	if slices.ContainsFunc(all, statement.controls) { // its conditions and loops are not followed
		for _, s := range all {
			c.takes += slept(s.words)
		}
		c.assumed = true
		return c
	}
	for _, s := range all {
		if s.after == "&&" && c.code != 0 || s.after == "||" && c.code == 0 {
			continue
		}
		c.do(s.words)
		if s.words[0] == "exit" {
			break
		}
	}
	return c
}

// do interprets one statement.
func (c *commandEffect) do(words []string) {
	c.ends, c.code, c.slept = true, 0, false
	operands := words[1:]
	switch path.Base(words[0]) {
	case "true":
	case "false":
		c.code = 1
	case "exit":
		c.ends = len(operands) == 1
		if c.ends {
			code, err := strconv.Atoi(operands[0])
			c.ends, c.code = err == nil, int32(code)
		}
	case "sleep":
		c.takes += slept(words)
		c.ends, c.slept = slept(words) > 0, true
	case "echo":
		c.echo(operands)
	case "touch":
		c.change(operands, false)
	case "rm":
		c.change(operands, true)
	default:
		c.ends = false
	}
}

// echo prints, or writes a file.
func (c *commandEffect) echo(words []string) {
	end := "\n"
	for len(words) > 0 && (words[0] == "-n" || words[0] == "-e") {
		if words[0] == "-n" {
			end = ""
		}
		words = words[1:]
	}
	to := slices.IndexFunc(words, func(w string) bool { return w == ">" || w == ">>" })
	text := words
	if to >= 0 {
		text = words[:to]
	}
	said := strings.Join(text, " ") + end
	if strings.ContainsAny(said, "$`") { // nobody has put in what it stands for
		said = ""
	}
	switch {
	case slices.Contains(words, "|"), to >= 0 && to+1 == len(words):
		c.ends = false
	case to >= 0:
		c.files = append(c.files, FileChange{After: c.takes, Path: words[to+1], Text: said})
	default:
		c.output += said
	}
}

// change creates or removes files.
func (c *commandEffect) change(words []string, gone bool) {
	for _, w := range words {
		if !strings.HasPrefix(w, "-") {
			c.files = append(c.files, FileChange{After: c.takes, Path: w, Gone: gone})
		}
	}
}

// file reports whether a file exists after a while, and its content. A file is known if the container touches it at any
// time.
func (s *Behavior) file(name string, after time.Duration) (text string, there, known bool) {
	for _, f := range s.Files {
		if f.Path != name {
			continue
		}
		known = true
		if f.After <= after {
			text, there = f.Text, !f.Gone
		}
	}
	return text, there, known
}

// refuses reports whether a command fails in the container after a while: by itself, or because a file that it reads is
// missing.
func (s *Behavior) refuses(command []string, after time.Duration) bool {
	if c := interpret(command); c.ends && c.code != 0 {
		return true
	}
	for _, st := range statements(command) {
		switch path.Base(st.words[0]) {
		case "cat", "ls", "stat", "test", "[":
			for _, w := range st.words[1:] {
				if _, there, known := s.file(w, after); known && !there {
					return true
				}
			}
		}
	}
	return false
}

// statement is one statement of a shell script, and the operator before it.
type statement struct {
	after string
	words []string
}

// controls reports whether a statement decides whether others run.
func (s statement) controls() bool {
	return slices.Contains([]string{"if", "for", "while", "until", "case", "{", "("}, s.words[0])
}

// statements splits a command. One that no shell runs is one statement.
func statements(command []string) []statement {
	if len(command) == 0 {
		return nil
	}
	script, ok := shellScript(command)
	if !ok {
		return []statement{{"", command}}
	}
	var all []statement
	current := statement{}
	for _, t := range tokens(script) {
		switch t {
		case ";", "&", "&&", "||":
			if len(current.words) > 0 {
				all = append(all, current)
			}
			current = statement{after: t}
		default:
			current.words = append(current.words, t)
		}
	}
	if len(current.words) > 0 {
		all = append(all, current)
	}
	return all
}

// shellScript returns the script of a command such as sh -c SCRIPT.
func shellScript(command []string) (string, bool) {
	shells := []string{"sh", "ash", "bash", "dash"}
	if len(command) < 3 || !slices.Contains(shells, path.Base(command[0])) ||
		!strings.HasPrefix(command[1], "-") || !strings.HasSuffix(command[1], "c") {
		return "", false
	}
	return command[2], true
}

// tokens splits a script into words, without their quotes, and operators.
func tokens(script string) (all []string) {
	var word strings.Builder
	open := false // a word has begun, if only with a quote
	end := func() {
		if open {
			all = append(all, word.String())
		}
		word.Reset()
		open = false
	}
	script = strings.ReplaceAll(script, "\\\n", " ")
	for i := 0; i < len(script); i++ {
		if script[i] == '#' && !open { // a comment
			length := strings.IndexByte(script[i:], '\n')
			if length < 0 {
				break
			}
			i += length
		}
		switch b := script[i]; b {
		case ' ', '\t':
			end()
		case '\n', ';':
			end()
			all = append(all, ";")
		case '>', '&', '|':
			if rest := script[i:]; len(rest) > 2 && strings.HasPrefix(rest, ">&") { // one stream into the other
				if word.Len() == 1 && '0' <= script[i-1] && script[i-1] <= '9' {
					word.Reset()
					open = false
				}
				i += 2
				continue
			}
			end()
			operator := string(b)
			if i+1 < len(script) && script[i+1] == b {
				operator += string(b)
				i++
			}
			all = append(all, operator)
		case '\'', '"':
			length := strings.IndexByte(script[i+1:], b)
			if length < 0 {
				length = len(script) - i - 1
			}
			word.WriteString(script[i+1 : i+1+length])
			open = true
			i += length + 1
		default:
			word.WriteByte(b)
			open = true
		}
	}
	end()
	return all
}

// slept returns how long the sleeps of a statement take.
func slept(words []string) (total time.Duration) {
	for i, w := range words {
		if path.Base(w) == "sleep" && i+1 < len(words) {
			total += seconds(words[i+1])
		}
	}
	return total
}

// seconds parses an argument of sleep: a number with an optional unit.
func seconds(word string) time.Duration {
	if n, err := strconv.ParseFloat(word, 64); err == nil {
		return time.Duration(n * float64(time.Second))
	}
	d, err := time.ParseDuration(word)
	if err != nil {
		return 0
	}
	return d
}
