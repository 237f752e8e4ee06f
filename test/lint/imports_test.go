package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const module = "mirrorgate/"

// layer is what the packages of a folder may import of ours. The most specific folder counts.
type layer struct {
	folder string
	may    []string // folders; "x/*" is everything below x, "*" everything
}

// layers is section 1 of the design: imports run one way.
func layers() []layer {
	return []layer{
		{"cmd", []string{"*"}},
		{"configs", []string{"rules", "origin", "cache", "cache/*", "gateway", "gateway/*"}},
		{"gateway", []string{"cache", "origin", "rules"}},
		{"gateway/", nil},
		{"rules", nil},
		{"origin", nil},
		{"cache", nil},
		{"cache/", []string{"cache"}},
		{"benchmarks", []string{"*"}},
		{"test", []string{"*"}},
	}
}

// library is a dependency that stays in the folders named; what lies below them is meant only with "/*".
type library struct {
	path string
	in   []string
}

func libraries() []library {
	return []library{
		{"github.com/valyala/fasthttp", []string{"gateway", "cache/bucket", "benchmarks", "benchmarks/*"}},
		{"github.com/minio/minio-go", []string{"cache/bucket", "origin", "test/*"}},
		{"github.com/goccy/go-yaml", []string{"configs"}},
		{"go.yaml.in/yaml", nil},
		{"gopkg.in/yaml", nil},
		{"github.com/redis/go-redis", []string{"cache/shared", "benchmarks/fleet", "test/*"}},
		{"github.com/fsnotify/fsnotify", []string{"cmd/*"}},
		{"github.com/alecthomas/kong", []string{"cmd/*", "benchmarks/*"}},
		{"github.com/chromedp", []string{"test/page"}},
		{"github.com/HdrHistogram/hdrhistogram-go", []string{"benchmarks/*"}},
	}
}

// impure is what the rules, a pure leaf without I/O, clock and logger, do without.
func impure() []string {
	return []string{"os", "os/exec", "io/fs", "io/ioutil", "net", "log", "log/slog", "syscall", "math/rand", "math/rand/v2",
		"crypto/rand"}
}

func TestImports(t *testing.T) {
	var found []string
	for _, s := range tree(t) {
		found = append(found, imports(s)...)
	}
	complain(t, found)
}

func imports(s source) []string {
	var found []string
	for _, spec := range s.syntax.Imports {
		name := strings.Trim(spec.Path.Value, `"`)
		if why := refused(s, name); why != "" {
			found = append(found, fmt.Sprintf("%s: %s must not import %s: %s", s.at(spec.Pos()), s.dir, name, why))
		}
	}
	return found
}

// refused says why the file must not import the package; "" if it may. A test may import any package of ours: it is
// no part of what runs.
func refused(s source, name string) string {
	if ours, ok := strings.CutPrefix(name, module); ok {
		if s.test || matches(allowed(s.dir), ours) {
			return ""
		}
		return "imports run one way"
	}
	for _, l := range libraries() {
		if within(name, l.path) && !matches(l.in, s.dir) {
			return "that stays in " + strings.Join(l.in, ", ")
		}
	}
	if s.dir == "rules" && !s.test && slices.Contains(impure(), name) {
		return "rules is pure"
	}
	return ""
}

func allowed(dir string) []string {
	var best layer
	for _, l := range layers() {
		if within(dir, strings.TrimSuffix(l.folder, "/")) && len(l.folder) > len(best.folder) && dir+"/" != l.folder {
			best = l
		}
	}
	return best.may
}

func matches(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		below, deep := strings.CutSuffix(pattern, "*")
		return pattern == dir || deep && strings.HasPrefix(dir, below)
	})
}

func TestImportsAreRefused(t *testing.T) {
	f := func(want int, name string, imported string) {
		t.Helper()
		expect(t, imports, want, name, fmt.Sprintf("package x\nimport _ %q\n", imported))
	}
	f(0, "cmd/mirrorgate/serve.go", "mirrorgate/gateway")
	f(0, "cmd/mirrorgate/serve.go", "mirrorgate/cache/writeback")
	f(0, "configs/configs.go", "mirrorgate/cache/bucket")
	f(0, "configs/configs.go", "github.com/goccy/go-yaml/ast")
	f(0, "gateway/walk.go", "mirrorgate/rules")
	f(0, "gateway/walk.go", "github.com/valyala/fasthttp")
	f(0, "cache/bucket/s3.go", "mirrorgate/cache")
	f(0, "cache/bucket/s3.go", "github.com/minio/minio-go/v7/pkg/signer")
	f(0, "cache/bucket/dir_test.go", "mirrorgate/cache/bucket/buckettest")
	f(0, "origin/signed.go", "github.com/minio/minio-go/v7")
	f(0, "test/harness/s3.go", "github.com/minio/minio-go/v7")
	f(0, "test/page/page.go", "github.com/chromedp/chromedp")
	f(0, "rules/key.go", "net/url")

	f(1, "configs/configs.go", "mirrorgate/cmd/mirrorgate")
	f(1, "gateway/walk.go", "mirrorgate/cache/bucket")
	f(1, "gateway/walk.go", "mirrorgate/configs")
	f(1, "gateway/walk.go", "mirrorgate/gateway/admin")
	f(1, "gateway/walk.go", "github.com/minio/minio-go/v7")
	f(1, "gateway/admin/api.go", "mirrorgate/cache")
	f(1, "gateway/admin/api.go", "github.com/valyala/fasthttp")
	f(1, "cache/cache.go", "mirrorgate/cache/bucket")
	f(1, "cache/cache.go", "mirrorgate/rules")
	f(1, "cache/bucket/s3.go", "mirrorgate/cache/writeback")
	f(1, "cache/bucket/s3.go", "mirrorgate/origin")
	f(1, "cache/bucket/s3.go", "github.com/goccy/go-yaml")
	f(1, "origin/origin.go", "mirrorgate/rules")
	f(1, "origin/origin.go", "github.com/valyala/fasthttp")
	f(1, "origin/origin_test.go", "github.com/valyala/fasthttp")
	f(1, "rules/rules.go", "mirrorgate/cache")
	f(1, "rules/rules.go", "log/slog")
	f(1, "gateway/walk.go", "mirrorgate/test/harness")
	f(1, "gateway/admin/page_test.go", "github.com/chromedp/chromedp")
	f(1, "gateway/admin/page.go", "github.com/chromedp/cdproto/page")
	f(1, "elsewhere/x.go", "mirrorgate/rules")
}
