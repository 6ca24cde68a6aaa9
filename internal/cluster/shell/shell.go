// Package shell finds out what a command would do in a container, without running it: it follows conditions, loops,
// variables and functions of shell scripts, and knows what some programs do.
//
// The central function is [Run], which returns a [Result] for a command in a [World]:
//
//	r := shell.Run([]string{"sh", "-c", "sleep 5; exit 3"}, world)
//	fmt.Println(r.Takes, r.Code) // 5s 3
//
// A program that is not known is taken to succeed, and named; what a script decides by it is never taken to be a
// failure. No process runs and no time passes.
package shell

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// World is what a command meets in its container.
type World interface {
	// Variable returns an environment variable. One that is not known may have any value.
	Variable(name string) (value string, set, known bool)
	// Variables returns the names of the variables.
	Variables() []string
	// File returns what is at a path.
	File(name string) File
	// Reach reports whether a service answers so long after the start of the command; port is empty for its name alone.
	Reach(host, port string, after time.Duration) Answer
	// Fact returns what a program such as id or hostname prints, empty if it is not known.
	Fact(program string) string
}

// File is what is at a path.
type File struct {
	Known  bool // else anything may be there
	Exists bool
	Names  []string // of what a folder has; nil: it is not a folder
	Text   string

	// What else is known of it; empty: nothing.
	Mode        fs.FileMode
	User, Group string // that it belongs to, as numbers
	System      string // the type of the file system that it is in
}

// Answer says whether something answers.
type Answer int

// The answers. The zero value is invalid.
const (
	Yes Answer = iota + 1
	No
	Later // the moment has not come
)

// FileChange is a file that a command writes or removes.
type FileChange struct {
	After time.Duration // from the start of the command
	Path  string
	Gone  bool
	Text  string      // that is in it, as far as it is known
	Mode  fs.FileMode // 0: that of new files
}

// Print is something that a command prints.
type Print struct {
	After time.Duration // from the start of the command
	Text  string
	Err   bool // to its standard error
}

// Result is what a command does.
type Result struct {
	Takes  time.Duration // until it ends, or until it waits
	Ends   bool          // by itself, with Code
	Code   int32
	Slept  bool // until its end
	Files  []FileChange
	Output string
	Prints []Print // Output and Errors, by their times

	Endless bool     // it runs for ever, as far as it is followed
	Assumed []string // programs that are not known and are taken to succeed, in order
	Guessed bool     // what it does depends on what is not known; then it is not said to fail
	Asks    []string // hosts that it asks for an answer, in order
	Waits   bool     // it goes on when the World's answer comes, after Takes
	Reads   bool     // it has looked at a file or a variable that is not known
	Errors  string   // what it writes to its standard error
}

// Limits of what is followed: a script that does more runs on.
const (
	maxSteps  = 20000
	maxDepth  = 50
	maxOutput = 64 << 10
	maxTime   = 24 * time.Hour
)

// Run returns what a command does. A command that no shell runs is one program with its arguments.
func Run(command []string, w World) Result {
	if len(command) == 0 {
		return Result{}
	}
	r := newRunner(w)
	script, ok := parse(command)
	if !ok {
		r.run(func() { r.call(command) })
		return r.result()
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script.text), "")
	if err != nil { // of another language, or wrong
		r.assume(path.Base(command[0]))
		return r.result()
	}
	r.params, r.errexit, r.pipefail = script.params, script.errexit, script.pipefail
	r.run(func() { r.stmts(file.Stmts) })
	return r.result()
}

// script is the script of a command such as sh -ec SCRIPT, with what its flags set.
type script struct {
	text              string
	params            []string // $1 and so on
	errexit, pipefail bool
}

// parse returns the script of a command that a shell runs, be it that an init process starts the shell.
func parse(command []string) (s script, ok bool) {
	i := 0
	if base := path.Base(command[0]); base == "tini" || base == "dumb-init" {
		for i = 1; i < len(command) && strings.HasPrefix(command[i], "-"); {
			i++
		}
	}
	if i >= len(command) || !slices.Contains([]string{"sh", "ash", "bash", "dash"}, path.Base(command[i])) {
		return s, false
	}
	for i++; i < len(command) && strings.HasPrefix(command[i], "-"); i++ {
		flags := strings.TrimPrefix(command[i], "-")
		if strings.HasPrefix(flags, "-") { // a long one
			continue
		}
		s.errexit, ok = s.errexit || strings.Contains(flags, "e"), ok || strings.Contains(flags, "c")
		if strings.Contains(flags, "o") && i+1 < len(command) {
			i++
			s.errexit, s.pipefail = s.errexit || command[i] == "errexit", s.pipefail || command[i] == "pipefail"
		}
	}
	if !ok || i >= len(command) {
		return s, false
	}
	s.text, s.params = command[i], command[min(i+2, len(command)):]
	return s, true
}
