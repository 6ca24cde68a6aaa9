package shell

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// programs are those that are known, by their names. Each notes how it ends.
var programs map[string]func(r *runner, args []string)

func init() {
	succeeds := func(r *runner, _ []string) { r.done(0) }
	filter := func(name string) func(*runner, []string) { return func(r *runner, _ []string) { r.filter(name) } }
	programs = map[string]func(*runner, []string){
		"true": succeeds, ":": succeeds, "wait": succeeds, "trap": succeeds, "chmod": succeeds, "chown": succeeds,
		"umask": succeeds, "ulimit": succeeds, "sync": succeeds, "shopt": succeeds, "alias": succeeds, "cd": succeeds,
		"kill": succeeds, "usleep": succeeds, "ln": succeeds, "mkdir": succeeds,
		"false": func(r *runner, _ []string) { r.done(1) },
		"exit":  exit, "return": leave, "break": breakLoop, "continue": continueLoop, "sleep": sleep,
		"echo": echo, "printf": printf, "date": func(r *runner, _ []string) { r.print(good + "\n") },
		"test": test, "[": test, "touch": touch, "rm": remove, "cp": copyFile, "mv": move,
		"cat": cat, "ls": list, "stat": list, "tail": tail, "grep": grep, "egrep": grep, "fgrep": grep, "seq": sequence,
		"env": env, "printenv": printenv, "export": export, "readonly": export, "local": export, "unset": unset,
		"set": set, "shift": shift, "read": readLine, "exec": execute, "command": execute, "eval": evaluate,
		"id": fact("id"), "whoami": fact("whoami"), "hostname": fact("hostname"), "pwd": fact("pwd"),
		"uname": fact("uname"), "nproc": fact("nproc"), "timeout": timeout,
		"expr": expression, "hexdump": hexDump, "sysctl": kernelParameter,
		"nslookup": lookUp, "host": lookUp, "dig": lookUp, "getent": lookUp, "ping": lookUp,
		"nc": connect, "ncat": connect, "netcat": connect, "curl": fetch, "wget": fetch,
		"pg_isready": databases("5432"), "psql": databases("5432"), "mysqladmin": databases("3306"),
		"mysql": databases("3306"), "redis-cli": databases("6379"),
	}
	for _, name := range []string{
		"awk", "sed", "cut", "tr", "head", "jq", "yq", "sort", "uniq", "wc", "tee", "xargs", "base64", "basename",
		"dirname", "mktemp",
	} {
		programs[name] = filter(name)
	}
}

// call follows a program with its arguments.
func (r *runner) call(words []string) {
	r.step()
	name := path.Base(words[0])
	if name == "agnhost" || name == "agnhost-2" { // its other name, in its image
		agnhost(r, words)
		return
	}
	if p := programs[name]; p != nil {
		p(r, words[1:])
		return
	}
	if is, _ := unknown(name); is {
		name = "program"
	}
	r.assume(name)
}

// print writes to the output.
func (r *runner) print(text string) {
	r.out.WriteString(text)
	r.done(0)
}

// fail writes to the standard error and fails.
func (r *runner) fail(code int32, format string, args ...any) {
	r.res.Errors += fmt.Sprintf(format, args...) + "\n"
	r.done(code)
}

func exit(r *runner, args []string) {
	code := r.res.Code
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if is, well := unknown(args[0]); is {
			n, err = int(btoi(!well)), nil
		}
		if err != nil {
			n = 2
		}
		code = int32(n & 0xff)
	}
	r.done(code)
	r.stop(true)
}

func leave(r *runner, args []string) {
	code := r.res.Code
	if len(args) > 0 {
		n, _ := strconv.Atoi(args[0])
		code = int32(n & 0xff)
	}
	r.done(code)
	r.returned = true
}

func breakLoop(r *runner, args []string) {
	r.loops = 1
	if len(args) > 0 {
		n, _ := strconv.Atoi(args[0])
		r.loops = max(1, n)
	}
	r.done(0)
	r.goOn = false
}

func continueLoop(r *runner, args []string) {
	breakLoop(r, args)
	r.goOn = true
}

func sleep(r *runner, args []string) {
	total := time.Duration(0)
	for _, a := range args {
		if a == "infinity" || a == "inf" {
			r.res.Endless = true
			r.stop(false)
		}
		if is, _ := unknown(a); is {
			a = "1"
		}
		total += seconds(a)
	}
	r.sleep(total)
	r.res.Ends = total > 0 || len(args) > 0
}

// seconds parses an argument of sleep: a number with an optional unit.
func seconds(word string) time.Duration {
	if n, err := strconv.ParseFloat(word, 64); err == nil {
		return time.Duration(n * float64(time.Second))
	}
	word = strings.Replace(word, "d", "h", 1)
	d, err := time.ParseDuration(word)
	if err != nil {
		return 0
	}
	return d
}

func echo(r *runner, args []string) {
	end, escapes := "\n", false
	for len(args) > 0 && (args[0] == "-n" || args[0] == "-e" || args[0] == "-ne" || args[0] == "-en") {
		if strings.Contains(args[0], "n") {
			end = ""
		}
		escapes = escapes || strings.Contains(args[0], "e")
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escapes {
		text = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(text)
	}
	r.print(text + end)
}

func printf(r *runner, args []string) {
	if len(args) == 0 {
		r.done(2)
		return
	}
	text, _, err := expand.Format(r.config(), args[0], args[1:])
	if err != nil {
		text = good
	}
	r.print(text)
}

func touch(r *runner, args []string) {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			text := ""
			if f := r.own(a); f != nil && !f.Gone {
				text = f.Text
			}
			r.res.Files = append(r.res.Files, FileChange{After: r.res.Takes, Path: a, Text: text})
		}
	}
	r.done(0)
}

func remove(r *runner, args []string) {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			r.res.Files = append(r.res.Files, FileChange{After: r.res.Takes, Path: a, Gone: true})
		}
	}
	r.done(0)
}

// operands returns the arguments that are no flags.
func operands(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-") && a != "-" })
}

func copyFile(r *runner, args []string) {
	if all := operands(args); len(all) == 2 {
		if f := r.file(all[0]); f.Known && f.Exists && f.Names == nil {
			r.res.Files = append(r.res.Files, FileChange{After: r.res.Takes, Path: all[1], Text: f.Text})
		} else if f.Known && !f.Exists {
			r.fail(1, "cp: can't stat '%s': No such file or directory", all[0])
			return
		}
	}
	r.done(0)
}

func move(r *runner, args []string) {
	copyFile(r, args)
	if all := operands(args); r.res.Code == 0 && len(all) == 2 {
		r.res.Files = append(r.res.Files, FileChange{After: r.res.Takes, Path: all[0], Gone: true})
	}
}

func cat(r *runner, args []string) {
	all := operands(args)
	if len(all) == 0 {
		r.print(r.in)
		return
	}
	code := int32(0)
	for _, name := range all {
		switch f := r.file(name); {
		case !f.Known:
			r.out.WriteString(good)
		case !f.Exists:
			r.fail(1, "cat: can't open '%s': No such file or directory", name)
			code = 1
		case f.Names != nil:
			r.fail(1, "cat: read error: Is a directory")
			code = 1
		default:
			r.out.WriteString(f.Text)
		}
	}
	r.done(code)
}

func list(r *runner, args []string) {
	all := operands(args)
	if len(all) == 0 {
		all = []string{"/"}
	}
	code := int32(0)
	for _, name := range all {
		switch f := r.file(name); {
		case !f.Known:
			r.out.WriteString(good + "\n")
		case !f.Exists:
			r.fail(1, "ls: %s: No such file or directory", name)
			code = 1
		case f.Names != nil:
			for _, n := range f.Names {
				r.out.WriteString(n + "\n")
			}
		default:
			r.out.WriteString(name + "\n")
		}
	}
	r.done(code)
}

func env(r *runner, args []string) {
	for len(args) > 0 && (strings.HasPrefix(args[0], "-") || strings.Contains(args[0], "=")) {
		args = args[1:]
	}
	if len(args) > 0 {
		r.call(args)
		return
	}
	for _, name := range r.world.Variables() {
		if value, set, isKnown := r.world.Variable(name); set && isKnown {
			r.out.WriteString(name + "=" + value + "\n")
		}
	}
	r.done(0)
}

func printenv(r *runner, args []string) {
	if len(args) == 0 {
		env(r, nil)
		return
	}
	v := r.Get(args[0])
	if !v.IsSet() {
		r.done(1)
		return
	}
	r.print(v.String() + "\n")
}

// export sets variables that are given with values, of words that were expanded already.
func export(r *runner, args []string) {
	for _, a := range args {
		if name, value, ok := strings.Cut(a, "="); ok && !strings.HasPrefix(a, "-") {
			r.set(name, value)
		}
	}
	r.done(0)
}

func unset(r *runner, args []string) {
	for _, a := range operands(args) {
		r.vars[a] = expand.Variable{}
	}
	r.done(0)
}

func set(r *runner, args []string) {
	for i, a := range args {
		switch {
		case a == "--":
			r.params = args[i+1:]
			r.done(0)
			return
		case a == "pipefail":
			r.pipefail = true
		case strings.HasPrefix(a, "-") && strings.Contains(a, "e"):
			r.errexit = true
		case strings.HasPrefix(a, "+") && strings.Contains(a, "e"):
			r.errexit = false
		}
	}
	r.done(0)
}

func shift(r *runner, _ []string) {
	if len(r.params) == 0 {
		r.done(1)
		return
	}
	r.params = r.params[1:]
	r.done(0)
}

func readLine(r *runner, args []string) {
	line, rest, more := strings.Cut(r.in, "\n")
	for _, name := range operands(args) {
		r.set(name, line)
	}
	r.in = rest
	r.done(btoi(!more && line == ""))
}

func sequence(r *runner, args []string) {
	var n []int
	for _, a := range args {
		i, err := strconv.Atoi(a)
		if err != nil {
			r.print(good + "\n")
			return
		}
		n = append(n, i)
	}
	first, step, last := 1, 1, 0
	switch len(n) {
	case 1:
		last = n[0]
	case 2:
		first, last = n[0], n[1]
	case 3:
		first, step, last = n[0], n[1], n[2]
	}
	for i, count := first, 0; count < maxSteps; i, count = i+step, count+1 {
		if step == 0 || step > 0 && i > last || step < 0 && i < last {
			break
		}
		r.out.WriteString(strconv.Itoa(i) + "\n")
	}
	r.done(0)
}

// execute follows exec PROGRAM, after which the script does not go on, and command PROGRAM.
func execute(r *runner, args []string) {
	if len(args) > 0 && (args[0] == "-v" || args[0] == "-V") {
		r.done(btoi(len(args) > 1 && programs[args[1]] == nil && r.funcs[args[1]] == nil))
		return
	}
	if len(args) == 0 {
		r.done(0)
		return
	}
	r.call(args)
}

func evaluate(r *runner, args []string) {
	file, err := syntax.NewParser().Parse(strings.NewReader(strings.Join(args, " ")), "")
	if err != nil {
		r.assume("eval")
		return
	}
	r.done(0)
	r.stmts(file.Stmts)
}

func fact(name string) func(*runner, []string) {
	return func(r *runner, args []string) {
		text := r.world.Fact(strings.Join(append([]string{name}, args...), " "))
		if text == "" {
			text = r.world.Fact(name)
		}
		if text == "" {
			text = good
		}
		r.print(text + "\n")
	}
}

// filter prints something that depends on the input, and is not known.
func (r *runner) filter(name string) {
	r.assume(name)
	switch is, well := unknown(r.in); {
	case is && !well:
		r.print(bad)
	case r.in == "":
		r.print(good)
	default:
		r.print(good + "\n")
	}
}

// expression follows expr as far as it calculates or compares two numbers.
func expression(r *runner, args []string) {
	if len(args) != 3 {
		r.filter("expr")
		return
	}
	a, errA := strconv.ParseInt(args[0], 10, 64)
	b, errB := strconv.ParseInt(args[2], 10, 64)
	result, ok := calculate(a, args[1], b)
	switch {
	case errA != nil || errB != nil || !ok:
		r.filter("expr")
	case b == 0 && (args[1] == "/" || args[1] == "%"):
		r.fail(2, "expr: division by zero")
	default:
		r.print(strconv.FormatInt(result, 10) + "\n")
		r.done(btoi(result == 0))
	}
}

// calculate returns what an operator of expr makes of two numbers; ok is false for an operator that is not known.
func calculate(a int64, operator string, b int64) (result int64, ok bool) {
	switch operator {
	case "+":
		return a + b, true
	case "-":
		return a - b, true
	case "*":
		return a * b, true
	case "/", "%":
		if b == 0 {
			return 0, true
		}
		if operator == "/" {
			return a / b, true
		}
		return a % b, true
	}
	holds, known := map[string]bool{
		"=": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b,
	}[operator]
	return int64(btoi(holds)), known
}

// hexDump follows hexdump -C of one file.
func hexDump(r *runner, args []string) {
	if len(args) != 2 || args[0] != "-C" {
		r.filter("hexdump")
		return
	}
	f := r.file(args[1])
	const line = 16
	squeezed := false // equal lines are written once
	for i := 2 * line; i <= len(f.Text); i += line {
		squeezed = squeezed || f.Text[i-2*line:i-line] == f.Text[i-line:i]
	}
	switch {
	case !f.Known, squeezed, f.Names != nil:
		r.filter("hexdump")
	case !f.Exists:
		r.fail(1, "hexdump: %s: No such file or directory", args[1])
	default:
		r.print(hex.Dump([]byte(f.Text)) + fmt.Sprintf("%08x\n", len(f.Text)))
	}
}

// kernelParameter follows sysctl, which prints a parameter of the kernel. Those that a pod sets are known.
func kernelParameter(r *runner, args []string) {
	short := len(args) == 2 && args[0] == "-n"
	if len(args) != 1 && !short {
		r.filter("sysctl")
		return
	}
	name := args[len(args)-1]
	value := r.world.Fact("sysctl " + name)
	switch {
	case value == "":
		r.filter("sysctl")
	case short:
		r.print(value + "\n")
	default:
		r.print(name + " = " + value + "\n")
	}
}

func tail(r *runner, args []string) {
	if slices.ContainsFunc(args, func(a string) bool { return a == "-f" || a == "-F" || a == "--follow" }) {
		r.res.Endless = true
		r.stop(false)
	}
	r.filter("tail")
}

func grep(r *runner, args []string) {
	quiet, inverted, word := false, false, ""
	var names []string
	for _, a := range args {
		switch {
		case strings.HasPrefix(a, "-") && word == "":
			quiet, inverted = quiet || strings.Contains(a, "q"), inverted || strings.Contains(a, "v")
		case word == "":
			word = a
		default:
			names = append(names, a)
		}
	}
	text := r.in
	for _, name := range names {
		text += r.text(name)
	}
	if is, well := r.unknown(text, word); is {
		if !quiet {
			r.out.WriteString(map[bool]string{true: good, false: bad}[well])
		}
		r.done(btoi(!well))
		return
	}
	glob, err := regexp.Compile(word)
	if err != nil {
		glob = regexp.MustCompile(regexp.QuoteMeta(word))
	}
	found := false
	for line := range strings.Lines(text) {
		if glob.MatchString(strings.TrimSuffix(line, "\n")) != inverted {
			found = true
			if !quiet {
				r.out.WriteString(line)
			}
		}
	}
	r.done(btoi(!found))
}

// reached notes whether a service answered, and prints what is not known of it.
func (r *runner) reached(ok bool) {
	if ok {
		r.print(good + "\n")
		return
	}
	r.done(1)
}

func lookUp(r *runner, args []string) {
	all := operands(args)
	if len(all) > 0 && (all[0] == "hosts" || all[0] == "ahosts") {
		all = all[1:]
	}
	if len(all) == 0 {
		r.done(1)
		return
	}
	r.reached(r.reach(all[0], ""))
}

func connect(r *runner, args []string) {
	var all []string
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-w" || args[i] == "-i" || args[i] == "-q" || args[i] == "-W":
			i++
		case !strings.HasPrefix(args[i], "-"):
			all = append(all, args[i])
		case strings.Contains(args[i], "l"):
			r.assume("nc") // it listens
			return
		}
	}
	if len(all) == 1 {
		if host, port, ok := strings.Cut(all[0], ":"); ok {
			all = []string{host, port}
		}
	}
	if len(all) < 2 {
		r.done(1)
		return
	}
	r.reached(r.reach(all[0], all[1]))
}

// fetch follows curl and wget.
func fetch(r *runner, args []string) {
	target := ""
	for _, a := range args {
		mayBe := !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "/") && strings.ContainsAny(a, ".:/")
		if strings.Contains(a, "://") || target == "" && mayBe {
			target = a
		}
	}
	if target == "" {
		for _, a := range operands(args) {
			target = a
		}
	}
	if !strings.Contains(target, "://") {
		target = "http://" + target
	}
	if is, well := unknown(target); is {
		r.reached(well)
		return
	}
	u, err := url.Parse(target)
	if err != nil {
		r.print(good + "\n")
		return
	}
	port := cmp.Or(u.Port(), map[string]string{"https": "443", "ftp": "21"}[u.Scheme], "80")
	r.reached(r.reach(u.Hostname(), port))
}

// databases returns what the clients of a database do: -h HOST -p PORT.
func databases(port string) func(*runner, []string) {
	return func(r *runner, args []string) {
		host, at := "", port
		for i, a := range args {
			next := ""
			if i+1 < len(args) {
				next = args[i+1]
			}
			name, value, joined := strings.Cut(a, "=")
			switch {
			case joined && (name == "--host" || name == "--hostname"):
				host = value
			case joined && name == "--port":
				at = value
			case a == "-h" || a == "--host":
				host = next
			case a == "-p" && next != "" && strings.Trim(next, "0123456789") == "" || a == "-P" || a == "--port":
				at = next
			case strings.HasPrefix(a, "-h") && len(a) > 2:
				host = a[2:]
			}
		}
		r.reached(r.reach(host, at))
	}
}

// timeout follows the program that it limits.
func timeout(r *runner, args []string) {
	for i, a := range args {
		if strings.HasPrefix(a, "-") || i < len(args)-1 && strings.Trim(a, "0123456789.smh") == "" {
			continue
		}
		r.call(args[i:])
		return
	}
	r.done(0)
}
