// Judges chains as crypto/x509 does: a JSON line {chain, roots, name} in, a JSON line out, empty or the error.
//
//go:debug default=go1.25
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"os"
)

type request struct {
	Chain [][]byte `json:"chain"`
	Roots string   `json:"roots"`
	Name  string   `json:"name"`
}

func judge(r request) string {
	var sent []*x509.Certificate
	for _, raw := range r.Chain {
		one, err := x509.ParseCertificate(raw)
		if err != nil {
			return "parse: " + err.Error()
		}
		sent = append(sent, one)
	}
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(r.Roots))
	for _, one := range sent[1:] {
		others.AddCert(one)
	}
	if _, err := sent[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: others, DNSName: r.Name}); err != nil {
		return "verify: " + err.Error()
	}
	return ""
}

func main() {
	lines, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			panic(err)
		}
		out.Encode(judge(r))
	}
}
