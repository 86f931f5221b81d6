// An ordinary service in Go, beside service.cjs: it says who it is and calls the next, by the method that it is told. What OpenTelemetry's
// propagators read of the request, they write to the call.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"go.opentelemetry.io/otel/propagation"
)

var propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

func next(request *http.Request) (string, error) {
	upstream := os.Getenv("upstream_url")
	if upstream == "" {
		return "", nil
	}
	context := propagator.Extract(request.Context(), propagation.HeaderCarrier(request.Header))
	call, err := http.NewRequestWithContext(context, os.Getenv("upstream_method"), upstream, nil)
	if err != nil {
		return "", err
	}
	propagator.Inject(context, propagation.HeaderCarrier(call.Header))
	answer, err := http.DefaultClient.Do(call)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		text, err := next(request)
		if err != nil {
			http.Error(writer, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(writer, "-> %s(version: %s, ip: 127.0.0.1)%s", os.Getenv("app"), os.Getenv("version"), text)
	})))
}
