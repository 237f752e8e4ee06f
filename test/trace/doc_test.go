// Package trace_test shows that the traces which a gateway sends are those of its requests. A stand-in for a collector
// takes them over OTLP, as a real one does.
package trace_test
