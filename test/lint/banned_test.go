package lint

import (
	"fmt"
	"go/ast"
	"slices"
	"testing"
)

func TestBanned(t *testing.T) {
	var found []string
	for _, s := range tree(t) {
		found = append(found, banned(s)...)
	}
	complain(t, found)
}

// banned finds what nothing here may do: sleep (wait for what is awaited instead: a channel, a context, a poll with
// an end), skip a test (a server that is missing is a failure), register in init.
func banned(s source) []string {
	var found []string
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if why := bannedCall(s, n); why != "" {
				found = append(found, fmt.Sprintf("%s: %s: %s", s.at(n.Pos()), n.Sel.Name, why))
			}
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				found = append(found, s.at(n.Pos())+": init: the wiring is in cmd")
			}
		}
		return true
	})
	return found
}

func bannedCall(s source, n *ast.SelectorExpr) string {
	x, _ := n.X.(*ast.Ident)
	of := func(pkg string, names ...string) bool {
		return x != nil && x.Name == pkg && slices.Contains(names, n.Sel.Name)
	}
	switch {
	case of("time", "Sleep"):
		return "wait for what is awaited, or for the context"
	case (s.test || s.under("test")) && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, n.Sel.Name):
		return "no test is skipped; what is missing fails and names make setup"
	case s.dir == "rules" && !s.test && of("time", "Now", "Since", "Until", "After", "NewTimer", "NewTicker", "AfterFunc"):
		return "rules has no clock"
	}
	return ""
}

func TestBannedIsFound(t *testing.T) {
	f := func(want int, name, statement string) {
		t.Helper()
		expect(t, banned, want, name, "package x\nfunc f() { "+statement+" }\n")
	}
	f(0, "cache/x_test.go", `<-time.After(1); t.Log("time.Sleep(1)"); synctest.Wait()`)
	f(1, "cache/x_test.go", `time.Sleep(1)`)
	f(1, "cache/x.go", `func() { time.Sleep(1) }()`)
	f(1, "cache/x_test.go", `t.Skip("no server")`)
	f(1, "test/harness/x.go", `tb.SkipNow()`)
	f(0, "cache/x.go", `reader.Skip(3)`)
	f(0, "origin/x.go", `_ = time.Now()`)
	f(1, "rules/x.go", `_ = time.Now()`)
	expect(t, banned, 1, "cache/x.go", "package x\nfunc init() {}\n")
	expect(t, banned, 0, "cache/x.go", "package x\nfunc (t T) init() {}\n")
}
