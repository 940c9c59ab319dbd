package kubevip

import (
	"encoding/binary"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
)

// defaultInterface is the one with the default route.
func defaultInterface() (string, error) {
	output, err := exec.Command("ip", "-4", "route", "show", "default").Output()
	if err != nil {
		return "", err
	}
	words := strings.Fields(string(output))
	for i, word := range words {
		if word == "dev" && i+1 < len(words) {
			return words[i+1], nil
		}
	}
	return "", fmt.Errorf("no default route")
}

func ip(args ...string) error {
	output, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %s", strings.Join(args, " "), strings.TrimSpace(string(output)))
	}
	return nil
}

func (s Settings) cidr() string { return fmt.Sprintf("%s/%d", s.Address, s.Prefix) }

// add puts the address on the interface; that it is there already is fine.
func (s Settings) add() error {
	return ip("address", "replace", s.cidr(), "dev", s.Interface, "preferred_lft", "0")
}

// remove takes the address away and says whether it was there.
func (s Settings) remove() (bool, error) {
	iface, err := net.InterfaceByName(s.Interface)
	if err != nil {
		return false, err
	}
	addresses, err := iface.Addrs()
	if err != nil {
		return false, err
	}
	for _, address := range addresses {
		if found, ok := address.(*net.IPNet); ok && found.IP.String() == s.Address {
			return true, ip("address", "delete", found.String(), "dev", s.Interface)
		}
	}
	return false, nil
}

// announce broadcasts a gratuitous ARP: the address is at this interface's hardware address.
func (s Settings) announce() error {
	iface, err := net.InterfaceByName(s.Interface)
	if err != nil {
		return err
	}
	socket, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(socket)
	target := &syscall.SockaddrLinklayer{Protocol: swap(syscall.ETH_P_ARP), Ifindex: iface.Index, Halen: 6}
	copy(target.Addr[:], broadcast)
	return syscall.Sendto(socket, gratuitous(iface.HardwareAddr, net.ParseIP(s.Address).To4()), 0, target)
}

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// gratuitous is an ARP reply frame in which sender and target are the same address.
func gratuitous(hardware net.HardwareAddr, address net.IP) []byte {
	frame := append(append([]byte{}, broadcast...), hardware...)
	frame = binary.BigEndian.AppendUint16(frame, syscall.ETH_P_ARP)
	for _, field := range []uint16{1, syscall.ETH_P_IP, 6<<8 | 4, 2} {
		frame = binary.BigEndian.AppendUint16(frame, field)
	}
	frame = append(append(frame, hardware...), address...)
	return append(append(frame, broadcast...), address...)
}

func swap(value uint16) uint16 { return value<<8 | value>>8 }
