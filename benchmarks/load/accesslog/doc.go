// Package accesslog reads the GET and HEAD requests of an access log: the common and combined formats of nginx and
// Apache (also with the virtual host before the line), JSON lines, and plain lists of URLs or paths; each also
// compressed with gzip.
//
// A target is given as it stood in the request, percent-encoding and all. What is no GET or HEAD is skipped, and
// counted by reason; a line that is not of the format is an error that names it. Nothing but the line at hand is kept.
//
//	reader.go      lines, gzip, which format
//	combined.go    the formats of nginx and Apache
//	json.go        JSON lines, and their fields
//	list.go        URLs and paths
//	request.go     what all of them come down to
package accesslog
