#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Plays the switch of recorded ofctl commands (tests/unit/openflow/data/openflow-transcripts.jsonl) for our ofctl: for each command it
# checks the bytes that ofctl sends, answers with the recorded bytes, and compares what ofctl prints and its exit status.
# Transaction ids are masked.  Usage: ofctl_replay_test.py [OFCTL [VERSION [SUBSTRING]]]; OFCTL: SLUICE_BUILD/bin/sluice-ofctl
import json, os, re, shlex, socket, struct, subprocess, sys, tempfile, threading

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDINGS = os.path.join(HERE, '..', 'unit', 'openflow', 'data', 'openflow-transcripts.jsonl')
VERSIONS = {'10': 1, '11': 2, '12': 3, '13': 4, '14': 5, '15': 6}
BUNDLE_ADD, ONF_BUNDLE_ADD = 34, bytes.fromhex('4f4e4600000008fd')
BARRIER = {1: 18, 2: 20, 3: 20, 4: 20, 5: 20, 6: 20}

# Where ours differs on purpose, or the recording lacks what the command read.
# The files that commands read are not recorded.  These send what was: of f2.txt's flows nothing is left in the recording, but what they replaced.
FILES = {'bundle.txt': 'flow add priority=3,tcp,actions=output:1\ngroup add group_id=20,type=all,bucket=output:1\nflow add priority=4,tcp,actions=group:20\n',
         'f2.txt': 'priority=1,actions=drop\n'}
DIFFERS = {
    ('*', 'mod-table BR 0 name:hello'): 'the recorded one does nothing and says nothing; ours sets the name',
    ('10', 'replace-flows BR f2.txt'): 'the recorded one does not say which table it means, though there are flows in others',
    ('14', 'queue-get-config BR 1 ANY'): 'the recorded one takes ANY for queue 0',
    ('15', 'queue-get-config BR 1 ANY'): 'the recorded one takes ANY for queue 0',
}


def masked(message):
    """A message without its transaction id, and without the one inside of a bundle."""
    inside = 16 if message[0] >= 5 and message[1] == BUNDLE_ADD else 24 if message[8:16] == ONF_BUNDLE_ADD else None
    if inside:
        message = message[:inside + 4] + b'\0\0\0\0' + message[inside + 8:]
    return message[:4] + b'\0\0\0\0' + message[8:]


class Switch(threading.Thread):
    """Accepts connections on a unix socket until stopped; plays one recording over all of them."""

    def __init__(self, path, version, messages):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        self.version = version
        self.left = []
        self.cut = False
        for m in messages:  # long messages and long lists are recorded in part, with "..."
            try:
                self.left.append((m[0], bytes.fromhex(m[1])))
            except ValueError:
                self.cut = True
                break
        self.problems = []

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def stop(self):
        """Ends the accepting thread before the descriptor is closed: its number may be the next switch's."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join()
        self.listener.close()

    def serve(self, s):
        version = self.version
        if any(b[0] != version for _, b in self.left[2:]):
            version = 0  # a command that goes on in another version (bundle): whatever is offered
        while True:
            header = self.read(s, 8)
            if not header:
                return
            v, kind, length, xid = struct.unpack('>BBHI', header)
            message = header + self.read(s, length - 8)
            if kind == 0:
                s.sendall(struct.pack('>BBHI', version or v, 0, 8, xid))
                continue
            self.answer(s, message, xid)

    def answer(self, s, message, xid):
        if not self.left and self.cut:
            return self.answer_unrecorded(s, message, xid)
        if not self.left:
            self.problems.append('sent more than recorded: ' + message.hex())
            return
        who, want = self.left.pop(0)
        if who != 'C':
            self.problems.append('recorded reply left over')
        echo = message[1] == 2
        if not echo and masked(want) != masked(message):
            self.problems.append('sent     %s\n  recorded %s' % (message.hex(), want.hex()))
        if not self.left and self.cut:
            return self.answer_unrecorded(s, message, xid)
        recorded_xid = want[4:8]
        while self.left and self.left[0][0] == 'S':
            _, reply = self.left.pop(0)
            if echo:
                reply = reply[:2] + message[2:]
            elif reply[4:8] == recorded_xid:
                reply = reply[:4] + struct.pack('>I', xid) + reply[8:]
            s.sendall(reply)
            if reply[1] == 1 and self.left and self.left[0][0] == 'S' and message[1] != BARRIER.get(message[0]):
                break  # an error to the message before the barrier that is still to come

    @staticmethod
    def answer_unrecorded(s, message, xid):
        """What goes on behind the end of a recording that is cut off."""
        if message[1] == 2:
            s.sendall(message[:1] + b'\3' + message[2:])
        if message[1] == BARRIER.get(message[0]):
            s.sendall(struct.pack('>BBHI', message[0], message[1] + 1, 8, xid))

    @staticmethod
    def read(s, n):
        data = b''
        while len(data) < n:
            try:
                more = s.recv(n - len(data))
            except OSError:
                return b''
            if not more:
                return b''
            data += more
        return data


def normal(text, path):
    text = text.replace('unix:' + path, 'unix:proxy.sock').replace(path, 'unix:proxy.sock')
    text = re.sub(r'^(ovs|sluice)-ofctl:', 'ofctl:', text, flags=re.M)
    text = re.sub(r'xid=(0x)?[0-9a-f]+', 'xid=X', text)
    text = re.sub(r'^[0-9a-f]{8}  .*\n?', '', text, flags=re.M)          # hex dumps contain transaction ids
    text = re.sub(r'^(?:\d\S+Z?\|\d+\|)?\w+\|WARN\|.*\n?', '', text, flags=re.M)  # log lines
    return re.sub(r'time=[0-9.]+ ms', 'time=T', text)


def replay(ofctl, recording):
    command = recording['cmd']
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, 's')
        switch = Switch(path, VERSIONS[recording['ver']], recording['msgs'])
        switch.start()
        words = [('unix:' + path) if w == 'BR' else w for w in command.split(' ')]
        for name, text in FILES.items():
            with open(os.path.join(directory, name), 'w') as out:
                out.write(text)
        environment = dict(os.environ, OVS_RUNDIR=directory)
        try:
            run = subprocess.run([ofctl, '-O', 'OpenFlow' + recording['ver'], '-t', '10'] + words, capture_output=True, text=True, timeout=30, env=environment, cwd=directory)
        finally:
            switch.stop()
        problems = list(switch.problems)
        if switch.left and not any(p.startswith('sent ') for p in problems):
            problems.append('not sent: %s %s' % (switch.left[0][0], switch.left[0][1].hex()))
        if run.returncode != recording['rc']:
            problems.append('exit status %d, recorded %d; stderr: %s' % (run.returncode, recording['rc'], run.stderr))
        for name, got, want in (('stdout', run.stdout, recording['out']), ('stderr', run.stderr, recording['err'])):
            if normal(got, path) != normal(want, path):
                problems.append('%s: %r\n  recorded %r' % (name, normal(got, path)[:1500], normal(want, path)[:1500]))
        return problems


def main():
    ofctl = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.environ['SLUICE_BUILD'], 'bin', 'sluice-ofctl')
    versions = sys.argv[2:3] or ['']
    pattern = sys.argv[3] if len(sys.argv) > 3 else ''
    failed = played = 0
    for line in open(RECORDINGS):
        recording = json.loads(line)
        command = recording['cmd']
        if ('*', command) in DIFFERS or (recording['ver'], command) in DIFFERS:
            continue
        if any(len(m) == 2 and m[0] == 'S' and '...' in m[1] for m in recording['msgs']):
            continue  # a long reply is recorded in part
        if versions[0] not in ('', recording['ver']) or pattern not in command:
            continue
        played += 1
        problems = replay(ofctl, recording)
        if problems:
            failed += 1
            print('FAIL', recording['ver'], command)
            for p in problems:
                print(' ', p)
    print('%d commands, %d differ' % (played, failed))
    return 1 if failed or not played else 0


if __name__ == '__main__':
    sys.exit(main())
