package harness

import (
	"os"
	"slices"
	"strings"
)

// cleanEnv is the environment of the tests without what would make a program behave differently on this machine than
// on another: credentials, servers' settings, limits and proxies.
func cleanEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(entry), "=")
		if strings.HasSuffix(name, "_PROXY") {
			return true
		}
		begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		return slices.ContainsFunc([]string{"AWS_", "MINIO_", "VGW_", "ROOT_", "RCLONE_", "GOMEMLIMIT", "GOGC"}, begins)
	})
}
