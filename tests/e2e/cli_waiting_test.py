#!/usr/bin/python3
"""vbs when it waits, fails or is set up: exit codes, lost connections, Ctrl-C, configuration, and
completion, against a fake front."""
import json
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

from cli_case import FIRST, LIMIT, VBS, CliTest, Problem


class ExitCodes(CliTest):
    def test_by_the_services_answer(self):
        for status, code, expected in [
                (400, "invalid-field", 2), (404, "not-found", 3), (409, "conflict", 4),
                (409, "operation-in-progress", 4), (409, "already-exists", 4),
                (401, "unauthenticated", 5), (403, "forbidden", 5), (403, "quota-exceeded", 6),
                (507, "insufficient-space", 6), (503, "overloaded", 7),
                (503, "node-unavailable", 7), (504, "timeout", 7), (500, "internal", 1)]:
            with self.subTest(code=code):
                self.front.problems = [Problem(status, code, "why", field="f", node="n",
                                               operation="o")]
                self.assertEqual(self.vbs("create-volume", "--size", "32M", code=expected), "")
                self.assertIn("vbs: why", self.err)
                for hint in ("field: f", "node: n", "vbs describe-operation o"):
                    self.assertIn(hint, self.err)

    def test_by_the_operations_end(self):
        for code, expected in [("conflict", 1), ("internal", 1), ("insufficient-space", 6)]:
            with self.subTest(code=code):
                self.front.plan.error = {"code": code, "message": "why not", "node": "vs1"}
                self.assertEqual(self.vbs("create-volume", "--size", "32M", code=expected), "")
                self.assertIn("create-volume failed: why not", self.err)
                self.assertIn("node: vs1", self.err)

    def test_usage(self):
        self.vbs("create-volum", "--size", "1G", code=2)
        self.assertIn("did you mean create-volume?", self.err)
        self.vbs("create-volume", "--size", "lots", code=2)
        self.assertEqual(self.front.requests, [])

    def test_a_service_that_is_not_there(self):
        self.environment["VBS_URL"] = "http://127.0.0.1:1"
        self.vbs("usage", code=7)
        self.assertIn("no connection to the service at http://127.0.0.1:1", self.err)
        self.assertIn("vbs 0", self.vbs("version", code=7))

    def test_answers_that_are_none(self):
        for raw in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
                    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<html>xxx",
                    b"HTTP/1.1 200 OK\r\nContent-Length: 17000000\r\n\r\n" + b" " * 17_000_000,
                    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                    b"Content-Length: 0\r\n\r\n"):
            self.front.raw_answers = [raw]
            self.vbs("usage", code=1)
        self.assertEqual(len(self.front.requests), 4)

    def test_help(self):
        self.assertIn("130  interrupted", self.vbs("--help"))
        self.assertIn("--from-snapshot", self.vbs("create-volume", "--help"))


class Waiting(CliTest):
    def test_a_lost_connection_makes_nothing_twice(self):
        self.front.drops_after = 2  # done, but the answer is lost
        self.vbs("create-volume", "--size", "32M")
        keys = {r["headers"]["Idempotency-Key"] for r in self.changes()}
        self.assertEqual((len(self.changes()), len(keys)), (3, 1))
        self.assertEqual(len(self.front.volumes), 1)

    def test_a_service_that_stays_away_is_tried_three_times_more(self):
        self.front.drops = 100
        self.vbs("delete-volume", FIRST, code=7)
        self.assertEqual(len(self.changes()), 4)

    def test_the_wait_outlasts_lost_answers(self):
        self.front.plan.polls = None
        process = self.start("create-volume", "--size", "32M", "-q")
        operation = self.follow(process, "GET", 2)
        with self.front.lock:
            self.front.drops = 6
        self.front.wait_for_request("GET", operation, times=9)
        with self.front.lock:
            self.front.plan.polls = 1
        out, err = process.communicate(timeout=LIMIT)
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertEqual(out.strip(), next(iter(self.front.volumes)))

    def follow(self, process, method, times):
        """Waits until vbs has asked so often about its operation; gives the end of the path."""
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.front.wait_for_request("POST", "/v1/volumes")
        with self.front.lock:
            operation = next(iter(self.front.operations))
        self.front.wait_for_request(method, operation, times)
        return operation

    def test_no_wait_prints_the_operation(self):
        self.front.plan.polls = None
        out = self.vbs("create-volume", "--size", "32M", "--no-wait")
        self.assertEqual(out.strip(), next(iter(self.front.operations)))

    def test_timeout_leaves_the_operation_alone(self):
        self.front.plan.polls = None
        out = self.vbs("create-volume", "--size", "32M", "--timeout", "300ms", code=8)
        self.assertEqual(out, "")
        operation = next(iter(self.front.operations.values()))
        self.assertEqual((operation["state"], operation["cancel_requested"]), ("running", False))
        self.assertIn(f"vbs describe-operation {operation['id']}", self.err)

    def test_ctrl_c_says_that_it_goes_on(self):
        self.front.plan.polls = None
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                self.front.operations.clear()
                self.front.requests.clear()
                process = self.start("create-volume", "--size", "32M")
                operation = self.follow(process, "GET", 2)
                process.send_signal(number)
                out, err = process.communicate(timeout=LIMIT)
                self.assertEqual((process.returncode, out), (130, ""))
                self.assertIn("create-volume goes on (step 1/3 reserve)", err)
                self.assertIn(f"vbs cancel-operation {operation}", err)
                self.assertEqual(len(self.changes()), 1)

    def test_ctrl_c_before_the_answer_says_that_it_is_unknown(self):
        with self.front.lock:  # which keeps every answer back
            process = self.start("create-volume", "--size", "32M")
            deadline = time.monotonic() + LIMIT
            while not self.has_connection(process.pid) and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=LIMIT)
        self.assertEqual((process.returncode, out), (130, ""))
        self.assertIn("unknown", err)
        self.assertIn("vbs describe-operations --live", err)

    @staticmethod
    def has_connection(pid):
        """Whether the process has a socket: it only ever makes the one to the service."""
        links = []
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                links.append(os.readlink(entry))
            except FileNotFoundError:
                continue
        return any(link.startswith("socket:") for link in links)

    def test_notes_are_shown(self):
        self.front.plan.notes = ["no agent: the disk was removed by surprise"]
        self.vbs("create-volume", "--size", "32M")
        self.assertIn("note: no agent", self.err)

    def test_cancel_waits_for_the_undoing(self):
        self.front.plan.polls = None
        operation = self.vbs("create-volume", "--size", "32M", "--no-wait").strip()
        self.assertRegex(self.vbs("cancel-operation", operation[:9]), r"(?m)^state: +cancelled$")
        self.vbs("cancel-operation", operation, code=4)
        self.assertIn("has ended", self.err)

    def test_cancel_that_comes_too_late(self):
        self.front.plan.polls = None
        self.front.plan.end_of_cancelled = "succeeded"
        operation = self.vbs("create-volume", "--size", "32M", "--no-wait").strip()
        self.vbs("cancel-operation", operation, code=4)
        self.assertIn("too late", self.err)


class Configuration(CliTest):
    def test_the_file_in_the_home(self):
        del self.environment["VBS_URL"]
        self.front.token = "s3cret"
        config = self.write(".config/vbs/config.toml",
                            f'url = "{self.front.url}"\ntoken_file = "~/token"\noutput = "json"\n')
        self.write("token", "s3cret\n")
        self.assertEqual(json.loads(self.vbs("usage"))["project"], "default")
        self.assertEqual(self.err, "")
        Path(config).write_text("colour = true\n")
        self.vbs("usage", code=2)
        self.assertIn("colour", self.err)

    def test_a_wrong_token_is_not_allowed_and_not_repeated(self):
        self.front.token = "s3cret"
        self.environment["VBS_TOKEN"] = "wr0ng-token"
        self.vbs("usage", code=5)
        self.assertNotIn("wr0ng", self.err)

    def test_a_token_that_others_can_read_is_warned_of(self):
        self.front.token = "s3cret"
        path = self.write("token", "s3cret", mode=0o644)
        self.vbs("usage", "--token-file", path)
        self.assertIn("chmod 600", self.err)


class Completion(CliTest):
    def complete(self, *words, shell="bash"):
        script = ('source <("$VBS" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  '_vbs; printf "%s\\n" "${COMPREPLY[@]}"')
        folder = os.path.dirname(os.path.abspath(VBS))
        environment = {**self.environment, "VBS": VBS, "PATH": f"{folder}:/usr/bin:/bin"}
        done = subprocess.run([shell, "-c", script, "x", "vbs", *words], env=environment, text=True,
                              capture_output=True, timeout=LIMIT)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_verbs_options_and_values(self):
        self.assertEqual(self.complete("create-"), ["create-volume", "create-snapshot"])
        self.assertEqual(self.complete("--url", "x", "aud"), ["audit"])
        self.assertEqual(self.complete("detach-volume", "x", "--f"), ["--force"])
        self.assertEqual(self.complete("describe-operations", "--kind", "de"),
                         ["delete-volume", "delete-snapshot", "detach-volume"])
        self.assertEqual(self.complete("usage", "--output", "=", "j"), ["json"])
        self.assertEqual(self.complete("completion", ""), ["bash", "zsh"])
        self.assertEqual(self.complete("create-volume", "--size", ""), [])

    def test_ids_come_from_the_service_and_are_not_evaluated(self):
        marker = Path(self.home, "evaluated")
        good = self.front.add_volume("db", volume_id=FIRST)
        self.front.add_volume("evil", volume_id=f"019a$(touch${{IFS}}{marker})")
        offered = self.complete("describe-volume", "019a")
        self.assertIn(good["id"], offered)
        self.assertFalse(marker.exists())
        self.front.faults.clear()  # an id that is none is what this is about

    def test_both_scripts_are_valid(self):
        for shell in ("bash", "zsh"):
            script = self.vbs("completion", shell)
            done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.front.requests, [])


if __name__ == "__main__":
    unittest.main()
