// Package peers holds the configurations that mirrorgate and the servers beside it are measured with. Each peer is set
// up as somebody would who wants it fast: what is set, and why, is in the comments of the templates.
package peers

import (
	"embed"
	"os"
	"text/template"
)

//go:embed *.tmpl
var templates embed.FS

// Values fill the templates.
type Values struct {
	Listen  string // host:port
	Dir     string // a folder of this server's own
	Files   string // the folder of the directory bucket
	Backend string // host:port of the bucket or origin behind the server
	Prefix  string // of the objects' paths there, such as "/bench"
	Host    string // the backend's address, for who wants it in two pieces
	Port    string
	User    string // who runs the benchmark; nginx's worker would be somebody else, who cannot read the files

	Clients int    // connections that nginx must be ready for, those to the backend too
	Buffers string // nginx's, for one answer: number and size
	Busy    string // at most so much of them waits for the client while the rest is filled

	// Of mirrorgate.
	Hosts  string // of the site that is asked
	Bucket string // its bucket, in YAML
	S3     string // the bucket of the other sites, in YAML
	Origin string // of what the bucket lacks
	Memory string // the memory tier's setting, in YAML; "": the default
	Shared string // its place in a fleet, in YAML; "": it is on its own
	Rules  int    // of the site that is asked, before the one that matches
	Sites  int    // besides the one that is asked, with a rule each
}

// Write writes the configuration made of the template into a file.
func Write(file, name string, v Values) error {
	t, err := template.New(name).Option("missingkey=error").ParseFS(templates, name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := t.Execute(f, v); err != nil {
		_ = f.Close() // what was written is of no use
		return err
	}
	return f.Close()
}
