"""The command line itself: help, versions, mistakes."""
from harness import *

COMMANDS = ["demo", "inspect", "plan", "migrate", "backfill", "verify", "export", "seed", "help"]
USAGE = 2


class Usage(Case):
    def test_help_lists_every_command(self):
        text = self.landfall("--help")
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command} ")

    def test_each_command_explains_itself(self):
        for command in COMMANDS:
            with self.subTest(command):
                text = self.landfall(command, "--help")
                self.assertTrue(text.startswith(f"Usage: landfall {command}"), text)
                self.assertIn("Examples:", text)
                self.assertEqual(self.landfall("help", command), text)
                self.assertEqual(self.landfall(command, "-h"), text)

    def test_lines_of_help_fit_a_terminal(self):
        for command in COMMANDS:
            for line in self.landfall(command, "--help").splitlines():
                self.assertLessEqual(len(line), 90, line)

    def test_version(self):
        self.assertRegex(self.landfall("--version"), r"^landfall \d+\.\d+\.\d+\n$")

    def test_without_a_command(self):
        self.assertIn("Usage: landfall COMMAND", self.landfall(status=USAGE))

    def test_unknown_command(self):
        self.assertEqual(self.landfall("inspct", status=USAGE), 'landfall: no command is called "inspct"; did you mean `landfall inspect`?\n')

    def test_unknown_option(self):
        errors = self.landfall("backfill", "x", "--reject", "y", status=USAGE)
        self.assertEqual(errors, "landfall backfill: no option is called --reject; did you mean --rejects?\n")

    def test_missing_argument(self):
        self.assertIn("SOURCE is missing", self.landfall("inspect", status=USAGE))
        self.assertIn("--output is missing", self.landfall("export", status=USAGE))

    def test_values_out_of_range(self):
        self.assertIn("from 1 to 64", self.landfall("inspect", "x", "--jobs", "0", status=USAGE))
        self.assertIn("none of up, down or status", self.landfall("migrate", "sideways", status=USAGE))

    def test_what_destroys_asks_first(self):
        self.assertIn("--yes", self.landfall("verify", "x", "--repair", status=USAGE))

    def test_debug_says_where_an_error_arose(self):
        self.assertRegex(self.landfall("plan", "--debug", status=1), r"\[.*\.c:\d+ not_found\]\n$")

    def test_a_closed_pipe_is_an_error(self):
        with open("/dev/full", "w") as full:
            process = self.subprocess_to(full)
        self.assertEqual(process.returncode, 1)
        self.assertIn("standard output", process.stderr)

    def subprocess_to(self, stream):
        import subprocess
        return subprocess.run([LANDFALL, "--help"], stdout=stream, stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX)


if __name__ == "__main__":
    unittest.main()
