// Package gateway is the HTTP face: it answers GET and HEAD for the objects of its sites.
//
// A request walks once, and each step is one file:
//
//	memory.go      the short way: a plain GET or HEAD of what memory holds; all else goes on
//	request.go     parse the request into a plain struct
//	walk.go        site by host, key by path, one decision by the rules; then the bucket, and on a miss the rule's mode
//	find.go        the object in memory, bucket or spool, with ranges and conditions (RFC 9110 sections 13 and 14)
//	mirror.go      a miss that an origin answers: pulled once, shared, saved
//	part.go        a range of it that lies far behind what has arrived
//	head.go        a HEAD that an origin answers
//	redirect.go    a miss that the client takes to the origin itself
//	proxy.go       a request that passes through, nothing kept
//	revalidate.go  a copy that is compared with its origin, behind the answer or when asked
//	again.go       a pull that was lost with another gateway
//	peer.go        another gateway asks for a body that is pulled here
//	headers.go     one function makes the headers of an object, the same for a miss and a hit
//	fault.go       the one table from failures to statuses and public texts
//	respond.go     write the answer, and see the true end of its body
//	tell.go        say at that end what has been answered, once for every request
//	tally.go       count it, by site, rule, outcome and class of status
//	latency.go     and how long it took
//	metrics.go     and what metrics make of that
//	accesslog.go   or a line for each request, in one of the formats of accesslog_format.go
//	client.go      who asks, behind proxies
//
// It never passes a failure off as a missing object, and never passes a fasthttp value on: what leaves the handler is a
// copy.
package gateway
