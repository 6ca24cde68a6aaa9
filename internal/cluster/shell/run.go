package shell

import (
	"bytes"
	"cmp"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// Marks stand in texts for what is not known: what a program would have printed after it has done what it should, or
// has not.
const (
	good = "\U000F0001"
	bad  = "\U000F0002"
)

// unknown reports whether a text holds what is not known, and whether that is of something that went well.
func unknown(texts ...string) (is, well bool) {
	all := strings.Join(texts, "")
	return strings.ContainsAny(all, good+bad), !strings.Contains(all, bad)
}

// unknown does the same for a text on which the script decides something.
func (r *runner) unknown(texts ...string) (is, well bool) {
	is, well = unknown(texts...)
	r.guessed = r.guessed || is && well
	return is, well
}

// known returns a text without what is not known.
func known(text string) string { return strings.NewReplacer(good, "", bad, "").Replace(text) }

// stopped unwinds a script that has ended, or is not followed any further.
type stopped struct{}

// runner follows one script.
type runner struct {
	world    World
	res      Result
	vars     map[string]expand.Variable
	params   []string
	funcs    map[string]*syntax.Stmt
	out      *bytes.Buffer
	main     *bytes.Buffer // what the command itself prints
	printed  int           // of main, and of the errors, what Prints has
	erred    int
	in       string // standard input of the present statement
	steps    int
	depth    int
	loops    int // to leave by break, or to go on with by continue
	goOn     bool
	returned bool
	errexit  bool
	pipefail bool
	tested   int // more than 0: a failure is a condition
	guessed  bool
}

func newRunner(w World) *runner {
	main := &bytes.Buffer{}
	return &runner{
		world: w, vars: map[string]expand.Variable{}, funcs: map[string]*syntax.Stmt{}, out: main, main: main,
	}
}

// flush notes what was printed until now.
func (r *runner) flush() {
	if text := known(r.main.String()[r.printed:]); text != "" {
		r.res.Prints = append(r.res.Prints, Print{After: r.res.Takes, Text: text})
	}
	if text := r.res.Errors[r.erred:]; text != "" {
		r.res.Prints = append(r.res.Prints, Print{After: r.res.Takes, Text: text, Err: true})
	}
	r.printed, r.erred = r.main.Len(), len(r.res.Errors)
}

// result returns what is known of the script when it has been followed.
func (r *runner) result() Result {
	r.flush()
	r.res.Output = known(r.main.String())
	r.res.Guessed = r.guessed || r.res.Endless && len(r.res.Assumed) > 0
	if r.guessed && r.res.Ends && r.res.Code != 0 { // a failure must not be a guess
		r.res.Ends, r.res.Code = false, 0
	}
	return r.res
}

// run follows a part until it ends or stops the script.
func (r *runner) run(f func()) {
	defer func() {
		if x := recover(); x != nil {
			if _, ok := x.(stopped); !ok {
				panic(x)
			}
		}
	}()
	f()
}

// stop ends the script.
func (r *runner) stop(ends bool) {
	r.res.Ends = ends
	panic(stopped{})
}

// step counts what is followed.
func (r *runner) step() {
	if r.steps++; r.steps > maxSteps || r.res.Takes > maxTime || r.out.Len() > maxOutput {
		r.res.Endless = true
		r.stop(false)
	}
}

func (r *runner) leaving() bool { return r.loops > 0 || r.returned }

func (r *runner) stmts(all []*syntax.Stmt) {
	for _, s := range all {
		r.stmt(s)
		if r.leaving() {
			return
		}
	}
}

// stmt follows a statement with its redirections.
func (r *runner) stmt(s *syntax.Stmt) {
	r.step()
	if s.Background {
		r.assume("background process")
		r.guessed = true
		r.done(0)
		return
	}
	before, input := r.out, r.in
	to, appends, name := r.redirect(s.Redirs)
	if to != nil {
		r.out = to
	}
	if s.Cmd != nil {
		r.command(s.Cmd)
	} else {
		r.done(0)
	}
	r.out, r.in = before, input
	if name != "" {
		r.write(name, to.String(), appends)
	}
	if s.Negated {
		r.res.Code = btoi(r.res.Code == 0)
	}
	_, isList := s.Cmd.(*syntax.BinaryCmd)
	if r.errexit && r.res.Ends && r.res.Code != 0 && r.tested == 0 && !s.Negated && !isList && s.Cmd != nil {
		r.stop(true)
	}
}

func btoi(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// redirect returns where the output of a statement goes, nil if it goes where it did, and sets its input.
func (r *runner) redirect(all []*syntax.Redirect) (to *bytes.Buffer, appends bool, name string) {
	for _, x := range all {
		switch x.Op {
		case syntax.RdrOut, syntax.RdrClob, syntax.AppOut, syntax.RdrAll, syntax.AppAll:
			if x.N != nil && x.N.Value == "2" {
				continue
			}
			to, name, appends = &bytes.Buffer{}, r.literal(x.Word), x.Op == syntax.AppOut || x.Op == syntax.AppAll
		case syntax.RdrIn:
			r.in = r.text(r.literal(x.Word))
		case syntax.Hdoc, syntax.DashHdoc:
			r.in = r.document(x.Hdoc)
		case syntax.WordHdoc:
			r.in = r.literal(x.Word) + "\n"
		}
	}
	return to, appends, name
}

// write keeps what was written to a file.
func (r *runner) write(name, text string, appends bool) {
	switch name {
	case "/dev/null":
		return
	case "/dev/stdout", "/dev/stderr", "/proc/1/fd/1", "/proc/1/fd/2":
		r.out.WriteString(text)
		return
	}
	if f := r.own(name); appends && f != nil && !f.Gone {
		text = f.Text + text
	}
	r.res.Files = append(r.res.Files, FileChange{After: r.res.Takes, Path: name, Text: text})
}

// own returns what the script has done to a file last, or nil.
func (r *runner) own(name string) *FileChange {
	for i := len(r.res.Files) - 1; i >= 0; i-- {
		if r.res.Files[i].Path == name {
			return &r.res.Files[i]
		}
	}
	return nil
}

// file returns what is at a path now.
func (r *runner) file(name string) File {
	if f := r.own(name); f != nil {
		return File{Known: true, Exists: !f.Gone, Text: f.Text, Mode: cmp.Or(f.Mode, 0o644)}
	}
	f := r.world.File(name)
	if !f.Known {
		r.res.Reads = true
	}
	return f
}

// text returns the text of a file, as far as it is known.
func (r *runner) text(name string) string {
	f := r.file(name)
	switch {
	case !f.Known:
		return good
	case !f.Exists || f.Names != nil:
		return ""
	}
	return f.Text
}

// command follows a command of any kind.
func (r *runner) command(c syntax.Command) {
	switch c := c.(type) {
	case *syntax.CallExpr:
		r.callExpr(c)
	case *syntax.Block:
		r.stmts(c.Stmts)
	case *syntax.Subshell:
		r.subshell(c.Stmts)
	case *syntax.IfClause:
		r.ifClause(c)
	case *syntax.WhileClause:
		r.whileClause(c)
	case *syntax.ForClause:
		r.forClause(c)
	case *syntax.CaseClause:
		r.caseClause(c)
	case *syntax.BinaryCmd:
		r.binary(c)
	case *syntax.FuncDecl:
		r.funcs[c.Name.Value] = c.Body
		r.done(0)
	case *syntax.DeclClause:
		for _, a := range c.Args {
			r.assign(a)
		}
		r.done(0)
	case *syntax.TestClause:
		r.done(btoi(!r.testExpr(c.X)))
	case *syntax.ArithmCmd:
		n, err := expand.Arithm(r.config(), c.X)
		r.done(btoi(err != nil || n == 0))
	case *syntax.LetClause:
		for _, x := range c.Exprs {
			n, err := expand.Arithm(r.config(), x)
			r.done(btoi(err != nil || n == 0))
		}
	case *syntax.TimeClause:
		if c.Stmt != nil {
			r.stmt(c.Stmt)
		}
	default:
		r.assume("script")
	}
}

// done notes the exit code of a command.
func (r *runner) done(code int32) { r.res.Ends, r.res.Code, r.res.Slept = true, code, false }

// assume takes a program that is not known to succeed. If it is the last one, the script does not end.
func (r *runner) assume(name string) {
	if !slices.Contains(r.res.Assumed, name) {
		r.res.Assumed = append(r.res.Assumed, name)
	}
	r.res.Ends, r.res.Code, r.res.Slept = false, 0, false
}

// subshell follows statements whose variables are their own.
func (r *runner) subshell(all []*syntax.Stmt) {
	vars, params := r.vars, r.params
	r.vars = map[string]expand.Variable{}
	for name, v := range vars {
		r.vars[name] = v
	}
	r.inner(func() { r.stmts(all) })
	r.vars, r.params = vars, params
}

// inner follows a part whose exit ends that part alone.
func (r *runner) inner(f func()) {
	depth, tested := r.depth, r.tested
	ended := true
	func() {
		defer func() {
			if x := recover(); x != nil {
				if _, ok := x.(stopped); !ok || !r.res.Ends {
					panic(x)
				}
			}
			ended = r.res.Ends
		}()
		f()
	}()
	r.depth, r.tested, r.res.Ends = depth, tested, ended
}

// condition follows statements and reports whether the last one succeeds.
func (r *runner) condition(all []*syntax.Stmt) bool {
	r.tested++
	r.stmts(all)
	r.tested--
	r.guessed = r.guessed || !r.res.Ends
	return r.res.Code == 0
}

func (r *runner) ifClause(c *syntax.IfClause) {
	for ; c != nil; c = c.Else {
		if len(c.Cond) == 0 || r.condition(c.Cond) {
			r.stmts(c.Then)
			return
		}
		if r.leaving() {
			return
		}
	}
	r.done(0)
}

// left reports whether a loop is over after its body, because of break, continue or return.
func (r *runner) left() bool {
	if r.returned {
		return true
	}
	if r.loops == 0 {
		return false
	}
	r.loops--
	return r.loops > 0 || !r.goOn
}

func (r *runner) whileClause(c *syntax.WhileClause) {
	for {
		r.step()
		if r.condition(c.Cond) == c.Until || r.leaving() {
			break
		}
		r.stmts(c.Do)
		if r.left() {
			break
		}
	}
	r.res.Code = 0
	r.res.Ends = true
}

func (r *runner) forClause(c *syntax.ForClause) {
	switch loop := c.Loop.(type) {
	case *syntax.WordIter:
		items := r.params
		if loop.InPos.IsValid() {
			items = r.fields(loop.Items)
		}
		r.done(0)
		for _, item := range items {
			r.step()
			r.set(loop.Name.Value, item)
			r.stmts(c.Do)
			if r.left() {
				break
			}
		}
	case *syntax.CStyleLoop:
		r.done(0)
		if loop.Init != nil {
			_, _ = expand.Arithm(r.config(), loop.Init)
		}
		for {
			r.step()
			if n, err := expand.Arithm(r.config(), loop.Cond); loop.Cond != nil && (err != nil || n == 0) {
				break
			}
			r.stmts(c.Do)
			if r.left() {
				break
			}
			if loop.Post != nil {
				_, _ = expand.Arithm(r.config(), loop.Post)
			}
		}
	}
}

func (r *runner) caseClause(c *syntax.CaseClause) {
	word := r.literal(c.Word)
	r.done(0)
	for _, item := range c.Items {
		for _, p := range item.Patterns {
			glob, err := expand.Pattern(r.config(), p)
			if err != nil {
				continue
			}
			if is, _ := r.unknown(word); is || matches(glob, word) {
				r.stmts(item.Stmts)
				return
			}
		}
	}
}

// matches reports whether a text is what a pattern of a case means.
func matches(glob, text string) bool {
	expression, err := pattern.Regexp(glob, pattern.EntireString)
	if err != nil {
		return false
	}
	found, err := regexp.MatchString(expression, text)
	return err == nil && found
}

func (r *runner) binary(c *syntax.BinaryCmd) {
	switch c.Op {
	case syntax.AndStmt, syntax.OrStmt:
		r.tested++
		r.stmt(c.X)
		r.tested--
		r.guessed = r.guessed || !r.res.Ends
		if !r.leaving() && (r.res.Code == 0) == (c.Op == syntax.AndStmt) {
			r.stmt(c.Y)
		}
	default:
		r.pipe(c)
	}
}

// pipe follows a pipeline: its left side first, whose output is the input of the right side.
func (r *runner) pipe(c *syntax.BinaryCmd) {
	before, input := r.out, r.in
	r.out = &bytes.Buffer{}
	r.tested++
	r.inner(func() { r.stmt(c.X) })
	r.tested--
	code := r.res.Code
	r.in, r.out = r.out.String(), before
	if r.in == "" && code != 0 {
		r.in = bad // what failed has said nothing
	}
	r.inner(func() { r.stmt(c.Y) })
	r.in = input
	if r.pipefail && r.res.Code == 0 {
		r.res.Code = code
	}
}

func (r *runner) callExpr(c *syntax.CallExpr) {
	if len(c.Args) == 0 {
		r.done(0)
		for _, a := range c.Assigns {
			r.assign(a)
		}
		return
	}
	words := r.fields(c.Args)
	if len(words) == 0 {
		r.done(0)
		return
	}
	saved := map[string]expand.Variable{}
	for _, a := range c.Assigns { // for this command alone
		saved[a.Name.Value] = r.vars[a.Name.Value]
		r.assign(a)
	}
	if body := r.funcs[words[0]]; body != nil {
		r.function(body, words[1:])
	} else {
		r.call(words)
	}
	for name, v := range saved {
		r.vars[name] = v
	}
}

// function follows the body of a function.
func (r *runner) function(body *syntax.Stmt, args []string) {
	if r.depth++; r.depth > maxDepth {
		r.stop(false)
	}
	params := r.params
	r.params = args
	r.stmt(body)
	r.params, r.returned = params, false
	r.depth--
}

// assign sets a variable.
func (r *runner) assign(a *syntax.Assign) {
	if a.Name == nil {
		return
	}
	value := ""
	switch {
	case a.Naked:
		return
	case a.Array != nil:
		var list []string
		for _, x := range a.Array.Elems {
			list = append(list, r.fields([]*syntax.Word{x.Value})...)
		}
		r.vars[a.Name.Value] = expand.Variable{Set: true, Kind: expand.Indexed, List: list}
		return
	case a.Value != nil:
		value = r.literal(a.Value)
	}
	if a.Append {
		value = r.Get(a.Name.Value).String() + value
	}
	r.set(a.Name.Value, value)
}

func (r *runner) set(name, value string) {
	r.vars[name] = expand.Variable{Set: true, Kind: expand.String, Str: value}
}

// Get returns a variable, or a parameter: it makes a runner an environment of package expand.
func (r *runner) Get(name string) expand.Variable {
	text := func(s string) expand.Variable { return expand.Variable{Set: true, Kind: expand.String, Str: s} }
	switch name {
	case "#":
		return text(strconv.Itoa(len(r.params)))
	case "@", "*":
		return expand.Variable{Set: true, Kind: expand.Indexed, List: r.params}
	case "?":
		return text(strconv.Itoa(int(r.res.Code)))
	case "$", "PPID":
		return text("1")
	case "SECONDS":
		return text(strconv.Itoa(int(r.res.Takes.Seconds())))
	case "RANDOM":
		return text(good)
	}
	if i, err := strconv.Atoi(name); err == nil {
		if i--; i >= 0 && i < len(r.params) {
			return text(r.params[i])
		}
		return expand.Variable{}
	}
	if v, ok := r.vars[name]; ok {
		return v
	}
	value, set, isKnown := r.world.Variable(name)
	switch {
	case !isKnown:
		r.res.Reads = true
		return text(good)
	case !set:
		return expand.Variable{}
	}
	return expand.Variable{Set: true, Exported: true, Kind: expand.String, Str: value}
}

// Each does nothing: no process is started that would get the environment.
func (r *runner) Each(func(string, expand.Variable) bool) {}

// Set changes a variable, as an expansion such as ${A:=b} does.
func (r *runner) Set(name string, v expand.Variable) error {
	r.vars[name] = v
	return nil
}

func (r *runner) config() *expand.Config {
	return &expand.Config{Env: r, CmdSubst: func(w io.Writer, c *syntax.CmdSubst) error {
		before, input := r.out, r.in
		r.out = &bytes.Buffer{}
		r.tested++
		r.subshell(c.Stmts)
		r.tested--
		text := r.out.String()
		if text == "" && r.res.Code != 0 {
			text = bad
		} else if !r.res.Ends {
			text = good
		}
		r.out, r.in = before, input
		_, err := io.WriteString(w, text)
		return err
	}}
}

func (r *runner) fields(words []*syntax.Word) []string {
	all, err := expand.Fields(r.config(), words...)
	if err != nil {
		r.res.Code = 1
	}
	return all
}

func (r *runner) literal(w *syntax.Word) string {
	if w == nil {
		return ""
	}
	text, err := expand.Literal(r.config(), w)
	if err != nil {
		r.res.Code = 1
	}
	return text
}

func (r *runner) document(w *syntax.Word) string {
	if w == nil {
		return ""
	}
	text, _ := expand.Document(r.config(), w)
	return text
}

// sleep lets time pass.
func (r *runner) sleep(d time.Duration) {
	r.flush()
	r.res.Takes += d
	r.done(0)
	r.res.Slept = true
}

// reach asks whether a service answers, and stops the script where the answer is yet to come.
func (r *runner) reach(host, port string) bool {
	if host == "" {
		return true
	}
	if is, well := unknown(host, port); is {
		return well
	}
	if !slices.Contains(r.res.Asks, host) {
		r.res.Asks = append(r.res.Asks, host)
	}
	switch r.world.Reach(host, port, r.res.Takes) {
	case Yes:
		return true
	case Later:
		r.res.Waits = true
		r.stop(false)
	}
	return false
}
