// Package telemetry compares what a running gateway says of itself with what its clients have seen: its metrics, as
// Prometheus fetches them, and its access log.
package telemetry_test
