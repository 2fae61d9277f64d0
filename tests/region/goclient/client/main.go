// A client of the agents' kind: Go's own HTTP, TLS and resolver, and the WebSocket library that both agents use.
//
// One process stands for one program: client --as ecs-agent|ssm-agent|docker [--divide N] < REQUESTS
// Each line of standard input is a request (see type request), each line of standard output its answer (see type answer).
// The environment is the program's own; GODEBUG in it says how the program was built. Nothing of the agents is in here.
//
//go:debug default=go1.25
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// request: what is asked. JSON: the program reads the answer as an AWS error. Site: any answer below 500 will do.
type request struct {
	URL     string            `json:"url"`
	Method  string            `json:"method"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Chunked bool              `json:"chunked"`
	JSON    bool              `json:"json"`
	Site    bool              `json:"site"`
}

type answer struct {
	URL     string  `json:"url"`
	Reached bool    `json:"reached"`
	Status  int     `json:"status"`
	Error   string  `json:"error"`
	Seconds float64 `json:"seconds"`
}

// Seconds: what the programs give a connection and a handshake; whole is for all of it.
const dial, shake, whole = 30 * time.Second, 10 * time.Second, 45 * time.Second

var suites = map[string][]uint16{
	"ecs-agent": {
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA256,
		tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_AES_256_CBC_SHA,
	},
	"docker": {
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	},
}

type program struct {
	name   string
	divide float64
}

func (p program) limit(d time.Duration) time.Duration { return time.Duration(float64(d) / p.divide) }

// proxy: the ECS agent takes the proxy for plain HTTP where none is set for HTTPS.
func (p program) proxy(r *http.Request) (*url.URL, error) {
	found, err := http.ProxyFromEnvironment(r)
	if found != nil || err != nil || p.name != "ecs-agent" {
		return found, err
	}
	plain := *r.URL
	plain.Scheme = "http"
	if plain.Port() == "" {
		plain.Host = net.JoinHostPort(plain.Hostname(), "443")
	}
	return http.ProxyFromEnvironment(&http.Request{URL: &plain})
}

func (p program) config(host string) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites[p.name]}
	files, _ := filepath.Glob("/etc/docker/certs.d/" + host + "/*.crt")
	if p.name == "docker" && len(files) > 0 {
		if pool, err := x509.SystemCertPool(); err == nil {
			for _, file := range files {
				if pem, err := os.ReadFile(file); err == nil {
					pool.AppendCertsFromPEM(pem)
				}
			}
			config.RootCAs = pool
		}
	}
	return config
}

// transport: the SSM agent's is a copy of Go's own, and so the only one that offers HTTP/2.
func (p program) transport(host string) *http.Transport {
	transport := &http.Transport{Proxy: p.proxy}
	if p.name == "ssm-agent" {
		transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	transport.DialContext = (&net.Dialer{Timeout: p.limit(dial)}).DialContext
	transport.TLSHandshakeTimeout, transport.TLSClientConfig = p.limit(shake), p.config(host)
	return transport
}

// redirect: the SSM agent follows none from TLS to plain HTTP. A service that sends its visitors to its product page has
// answered; nothing needs that page.
func (p program) redirect(wanted request, next *http.Request, before []*http.Request) error {
	if !wanted.JSON && next.URL.Host == "aws.amazon.com" {
		return http.ErrUseLastResponse
	}
	if len(before) >= 10 || p.name == "ssm-agent" && before[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return errors.New("redirect refused")
	}
	return nil
}

func (p program) call(ctx context.Context, wanted request, target *url.URL) (int, error) {
	var body io.Reader
	if wanted.Body != "" {
		body = strings.NewReader(wanted.Body)
		if wanted.Chunked {
			body = struct{ io.Reader }{body}
		}
	}
	asked, err := http.NewRequestWithContext(ctx, wanted.Method, target.String(), body)
	if err != nil {
		return 0, err
	}
	for name, value := range wanted.Headers {
		asked.Header.Set(name, value)
	}
	client := &http.Client{Transport: p.transport(target.Host)}
	client.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		return p.redirect(wanted, next, before)
	}
	got, err := client.Do(asked)
	if err != nil {
		return 0, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, 1<<20))
	if err != nil && p.name != "ssm-agent" {
		return got.StatusCode, err
	}
	if wanted.Site {
		return got.StatusCode, nil
	}
	if toProducts(got) || busy(got, text) {
		return http.StatusForbidden, nil
	}
	if !wanted.JSON {
		return got.StatusCode, page(got, text)
	}
	var fields map[string]any
	if err := json.NewDecoder(strings.NewReader(string(text))).Decode(&fields); err != nil {
		return got.StatusCode, fmt.Errorf("the body is no JSON: %w", err)
	}
	if fields["__type"] == nil && fields["code"] == nil && got.Header.Get("X-Amzn-Errortype") == "" {
		return got.StatusCode, errors.New("the answer names no error")
	}
	return got.StatusCode, nil
}

func page(got *http.Response, text []byte) error {
	start := strings.ToLower(strings.TrimSpace(string(text)))
	if strings.Contains(got.Header.Get("Content-Type"), "text/html") || strings.HasPrefix(start, "<html") || strings.HasPrefix(start, "<!doctype html") {
		return errors.New("the body is a page for people")
	}
	return nil
}

func (p program) channel(ctx context.Context, wanted request, target *url.URL) (int, error) {
	dialer := websocket.Dialer{
		Proxy: p.proxy, TLSClientConfig: p.config(target.Host), HandshakeTimeout: p.limit(dial),
		NetDial: (&net.Dialer{Timeout: p.limit(dial)}).Dial,
	}
	headers := http.Header{}
	for name, value := range wanted.Headers {
		headers.Set(name, value)
	}
	channel, got, err := dialer.DialContext(ctx, target.String(), headers)
	if err == nil {
		defer channel.Close()
		// The SSM agent has gorilla 1.4.2, which wants these words alone; this is 1.5.0.
		if p.name == "ssm-agent" && (!strings.EqualFold(got.Header.Get("Upgrade"), "websocket") ||
			!strings.EqualFold(got.Header.Get("Connection"), "upgrade")) {
			return got.StatusCode, websocket.ErrBadHandshake
		}
		// An upgrade that is cut at once carries nothing.
		channel.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		_, _, err = channel.ReadMessage()
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() {
			err = nil
		}
		return got.StatusCode, err
	}
	if got == nil || got.StatusCode == http.StatusSwitchingProtocols {
		return 0, err
	}
	text, _ := io.ReadAll(got.Body)
	if busy(got, text) {
		return http.StatusForbidden, nil
	}
	return got.StatusCode, page(got, text)
}

func toProducts(got *http.Response) bool {
	return strings.HasPrefix(got.Header.Get("Location"), "https://aws.amazon.com/")
}

// busy: AWS's own throttling and faults, by the number of a request or an error in AWS's form: the way there is open.
func busy(got *http.Response, text []byte) bool {
	own := got.Header.Get("X-Amzn-Requestid") != "" || got.Header.Get("X-Amz-Request-Id") != "" || strings.Contains(string(text), `"__type"`)
	return own && (got.StatusCode >= 500 || got.StatusCode == http.StatusTooManyRequests)
}

// ofAWS: what AWS says to a request without a signature, or an open channel.
func ofAWS(status int) bool {
	switch status {
	case 101, 400, 401, 403, 404:
		return true
	}
	return false
}

func (p program) ask(wanted request) (found answer) {
	found.URL = wanted.URL
	begun := time.Now()
	defer func() { found.Seconds = time.Since(begun).Seconds() }()
	ctx, stop := context.WithTimeout(context.Background(), p.limit(whole))
	defer stop()
	target, err := url.Parse(wanted.URL)
	if err == nil {
		if target.Scheme == "wss" {
			found.Status, err = p.channel(ctx, wanted, target)
		} else {
			found.Status, err = p.call(ctx, wanted, target)
		}
	}
	good := ofAWS(found.Status) || wanted.Site && found.Status > 0 && found.Status < 500
	if err == nil && !good {
		err = fmt.Errorf("status %d", found.Status)
	}
	found.Reached = err == nil
	if err != nil {
		found.Error = err.Error()
	}
	return
}

func main() {
	name := flag.String("as", "", "ecs-agent, ssm-agent or docker")
	divide := flag.Float64("divide", 1, "divide the program's limits by this")
	flag.Parse()
	p := program{*name, *divide}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	var all sync.WaitGroup
	var one sync.Mutex
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var wanted request
		if err := json.Unmarshal(lines.Bytes(), &wanted); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		all.Add(1)
		go func() {
			defer all.Done()
			found := p.ask(wanted)
			one.Lock()
			defer one.Unlock()
			out.Encode(found)
		}()
	}
	all.Wait()
}
