package maintain

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"standin/internal/certs"
	"standin/internal/config"
	"standin/internal/logs"
)

// Certificate is one row of `k3s certificate check`.
type Certificate struct {
	Filename     string
	Subject      string
	Issuer       string
	Usages       []string
	ExpiryTime   time.Time
	ResidualTime time.Duration
	Status       string
}

// Certificates runs `k3s certificate VERB`.
func Certificates(args []string) error {
	name, args, err := verb(args)
	if err != nil {
		return err
	}
	values, err := parse([]config.Flag{{Name: "service", Kind: config.List}}, args)
	if err != nil {
		return err
	}
	switch name {
	case "check":
		return check(values)
	case "rotate":
		return rotateCertificates(values.Text("data-dir"))
	}
	return fmt.Errorf("the stand-in does not know certificate %s", name)
}

// leaves are the certificates that are not CAs, below server/tls and in agent/.
func leaves(data string) ([]string, error) {
	var files []string
	for _, dir := range []string{filepath.Join(data, "server", "tls"), filepath.Join(data, "agent")} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err == nil && strings.HasSuffix(path, ".crt") && !strings.HasSuffix(path, "-ca.crt") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	sort.Strings(files)
	return files, nil
}

func check(values config.Values) error {
	files, err := leaves(values.Text("data-dir"))
	if err != nil {
		return err
	}
	var rows []Certificate
	for _, file := range files {
		rows = append(rows, read(file, time.Now())...)
	}
	switch values.Text("output") {
	case "json":
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"Certificates": rows})
	case "table":
		writer := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
		fmt.Fprint(writer, "\nFILENAME\tSUBJECT\tUSAGES\tEXPIRES\tRESIDUAL TIME\tSTATUS\n--------\t-------\t------\t-------\t-------------\t------\n")
		for _, row := range rows {
			fmt.Fprintf(writer, "%s\t%s\t%s\t%s\t%d days\t%s\n", row.Filename, row.Subject, strings.Join(row.Usages, ","),
				row.ExpiryTime.Format("Jan 02, 2006 15:04 MST"), int(row.ResidualTime.Hours()/24), row.Status)
		}
		return writer.Flush()
	}
	for _, row := range rows {
		logs.Info("%s: certificate %s (%s) is %s, expires at %s", row.Filename, row.Subject, strings.Join(row.Usages, ","),
			strings.ToLower(row.Status), row.ExpiryTime.Format(time.RFC3339))
	}
	return nil
}

func read(file string, now time.Time) []Certificate {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var rows []Certificate
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		row := Certificate{
			Filename: filepath.Base(file), Subject: cert.Subject.CommonName, Issuer: cert.Issuer.CommonName, Usages: usages(cert),
			ExpiryTime: cert.NotAfter, ResidualTime: cert.NotAfter.Sub(now), Status: "OK",
		}
		switch {
		case row.ResidualTime < 0:
			row.Status = "EXPIRED"
		case row.ResidualTime < certs.RenewBefore:
			row.Status = "WARNING"
		}
		rows = append(rows, row)
	}
	return rows
}

func usages(cert *x509.Certificate) []string {
	if cert.IsCA {
		return []string{"CertSign"}
	}
	var names []string
	for _, usage := range cert.ExtKeyUsage {
		names = append(names, map[x509.ExtKeyUsage]string{x509.ExtKeyUsageClientAuth: "ClientAuth", x509.ExtKeyUsageServerAuth: "ServerAuth"}[usage])
	}
	return names
}

// rotateCertificates copies server/tls aside and removes every leaf; the next start issues new ones.
func rotateCertificates(data string) error {
	files, err := leaves(data)
	if err != nil {
		return err
	}
	source := filepath.Join(data, "server", "tls")
	backup := filepath.Join(data, "agent", fmt.Sprintf("tls-%d", time.Now().Unix()))
	if _, err := os.Stat(source); err == nil {
		backup = filepath.Join(data, "server", filepath.Base(backup))
		if err := certs.Copy(source, backup); err != nil {
			return err
		}
	} else if err := os.MkdirAll(backup, 0o700); err != nil {
		return err
	}
	for _, file := range files {
		for _, path := range []string{file, strings.TrimSuffix(file, ".crt") + ".key"} {
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	logs.Info("Successfully backed up certificates to %s, please restart k3s server or agent to rotate certificates", backup)
	return nil
}
