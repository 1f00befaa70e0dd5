"""A gateway that goes on without PostgreSQL, behind a door that is shut for it alone, for tests."""
import os
import select
import socket
import subprocess
import threading

from dynamodb import Client, Refused, read_url
from harness import LANDFALL
from live import MovingCase, item_of, key_of

BEHIND = "SELECT is_behind FROM landfall.gateway WHERE journal IS NOT NULL"
BEAT = "SELECT id, beat FROM landfall.gateway WHERE journal IS NOT NULL"
UNREPAIRED = "SELECT count(*) FROM landfall.dirty_key WHERE repaired_at IS NULL"
BYTES_PER_READ = 65536
SECONDS_TO_SAY_WHY = 60


class Door:
    """A socket through which one gateway reaches PostgreSQL, and which can be shut for it alone."""

    def __init__(self, case, server):
        self.folder = case.folder / "door"
        self.folder.mkdir()
        self.target = os.path.join(server.folder, ".s.PGSQL.5432")
        self.is_shut, self.open_sockets, self.lock = False, set(), threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / ".s.PGSQL.5432"))
        self.listener.listen(64)
        case.addCleanup(self.stop)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            with self.lock:
                if self.is_shut or server.connect_ex(self.target):
                    client.close()
                    server.close()
                    continue
                self.open_sockets |= {client, server}
            for here, there in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(here, there), daemon=True).start()

    def pump(self, here, there):
        try:
            while data := here.recv(BYTES_PER_READ):
                there.sendall(data)
        except OSError:
            pass
        self.hang_up({here, there})

    def hang_up(self, sockets):
        with self.lock:
            mine = self.open_sockets & sockets
            self.open_sockets -= mine
            for each in mine:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                each.close()

    def shut(self):
        with self.lock:
            self.is_shut = True
            sockets = set(self.open_sockets)
        self.hang_up(sockets)

    def open(self):
        self.is_shut = False

    def stop(self):
        self.shut()
        self.listener.close()


class Steady(threading.Thread):
    """Writes things through a gateway until it is told to stop; what fails is kept."""

    def __init__(self, case, url):
        super().__init__()
        self.case, self.url, self.is_over, self.failed, self.last = case, url, False, [], {}
        self.start()

    def run(self):
        client, count = Client(self.url), 0
        while not self.is_over:
            number = count % 25
            count += 1
            try:
                self.write(client, number, count)
            except (Refused, OSError) as error:
                self.failed.append(str(error))
            self.case.wait_a_little()
        client.close()

    def write(self, client, number, count):
        label = {"S": f"without {count}"}
        if count % 3 == 0:
            client("UpdateItem", TableName="things", Key=key_of(number), UpdateExpression="SET label = :l", ExpressionAttributeValues={":l": label})
        elif count % 3 == 1:
            client("BatchWriteItem", RequestItems={"things": [{"PutRequest": {"Item": item_of(number, label=label)}}]})
        else:
            client("TransactWriteItems", TransactItems=[{"Put": {"TableName": "things", "Item": item_of(number, label=label)}}])
        self.last[number] = label["S"]

    def stop(self):
        self.is_over = True
        self.join()
        return self.failed


class OutageCase(MovingCase):
    """A table whose reads have moved; one gateway goes on without PostgreSQL, another refuses."""

    def wait_a_little(self):
        threading.Event().wait(0.01)

    def setUp(self):
        super().setUp()
        self.door = Door(self, self.server)
        self.journal = self.folder / "journal"

    def serve(self, *options, environment=None, **process):
        """A gateway through the door, which a test may kill."""
        arguments = ["serve", "--map", "landfall.yaml", "--upstream", "--endpoint", self.proxy.url, "--jobs", "1", "--listen", "127.0.0.1:0", *options]
        process = subprocess.Popen([LANDFALL, *map(str, arguments)], cwd=self.folder, env={**self.environment, **(environment or {})}, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **process)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def serve_alone(self, **process):
        process = self.serve("--on-postgres-failure", "continue", "--journal", self.journal, environment={"PGHOST": str(self.door.folder)}, **process)
        self.alone_url = read_url(process)
        self.alone = Client(self.alone_url)
        self.addCleanup(self.alone.close)
        return process

    def kill(self, process):
        process.kill()
        process.wait()

    def end(self, process):
        """As it should; what it has said."""
        process.terminate()
        return process.communicate()[1]

    def alone_and_known(self):
        """A gateway that has told others that it has nothing to tell."""
        process = self.serve_alone()
        self.wait_for(lambda: self.sql(BEHIND) == "f")
        return process

    def begin_in_vain(self):
        """A gateway that says why it waits for PostgreSQL."""
        process = self.serve("--on-postgres-failure", "continue", "--journal", self.journal, environment={"PGHOST": str(self.door.folder)})
        self.assertTrue(select.select([process.stderr], [], [], SECONDS_TO_SAY_WHY)[0])
        return process, process.stderr.readline()

    def wait_until_it_goes_on(self):
        """Until when it refuses, because its lease may still hold others to its word."""
        self.wait_for(lambda: self.succeeds(lambda: self.put(29, self.alone, label={"S": "the first"})))

    @staticmethod
    def succeeds(run):
        try:
            run()
        except (Refused, OSError):
            return False
        return True

    def get(self, client, number, strong=False):
        return client("GetItem", TableName="things", Key=key_of(number), ConsistentRead=strong).get("Item", {}).get("label", {}).get("S")

    def label_here(self, number):
        """Through the gateway that reaches PostgreSQL, whose reads come from there where they may."""
        return self.get(self.gateway, number)

    def wait_until_told(self):
        """By a beat that comes after this."""
        before = self.sql(BEAT)
        self.wait_for(lambda: self.sql(BEAT) != before and self.sql(BEHIND) == "f")
        self.wait_for(lambda: self.sql(UNREPAIRED) == "0")
        self.client.close()  # it has been idle for longer than a server need bear, and opens again

    def verify(self):
        self.landfall("verify", "dynamodb://things", "--settle", "1")
        self.assert_same()

    def health(self):
        client = Client(self.alone_url)
        client.connection.request("GET", "/")
        answer = client.connection.getresponse()
        text = (answer.status, answer.read().decode().strip())
        client.close()
        return text
