// Command load sends the requests of an access log, or of a list of URLs, to a mirrorgate before users do: `go run
// ./benchmarks/load --help`.
//
//	replay   a log once, at a rate or at the log's own times; compares the answers with those of the old server
//	ramp     more and more requests, until errors or times exceed what is allowed
//	soak     the same rate for hours
//
// It is an open loop: a request is due at its time, whether or not those before have been answered, and its time runs
// from when it was due. Connections are bounded; a request that finds none within the timeout is not sent, and counted
// as such. The old server is asked beside the measurement, over a few connections of its own: what does not get there
// is counted as not compared. Memory does not depend on how long it runs.
//
//	main.go       the command line
//	settings.go   what all commands have in common, and the mistakes that can be made
//	source.go     requests from a file, once or again and again
//	schedule.go   when they are due
//	loop.go       the open loop
//	client.go     one request and its answer; failure.go and outcome.go say what became of it
//	compare.go    the same of the old server, and what differs
//	tally.go      what is counted
//	report.go     what that gives, and limit.go what is too much; text.go prints it
package main
