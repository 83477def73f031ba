"""Each check finds what it is there for: runs them on small trees with one fault each, and on one
without."""
import os
import subprocess
import sys
import tempfile
import unittest

_HERE = os.path.dirname(os.path.abspath(__file__))


def run(check: str, files: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            place = os.path.join(root, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w", encoding="utf-8") as file:
                file.write(text)
        result = subprocess.run([sys.executable, os.path.join(_HERE, check), root],
                                capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr


class LintTest(unittest.TestCase):
    def assert_found(self, check: str, files: dict[str, str], text: str) -> None:
        code, output = run(check, files)
        self.assertEqual(code, 1, output)
        self.assertIn(text, output)

    def assert_each_found(self, check: str, path: str, lines: tuple[str, ...]) -> None:
        code, output = run(check, {path: "\n".join(lines)})
        self.assertEqual(code, 1, output)
        for number, line in enumerate(lines, 1):
            self.assertIn(f"{path}:{number}: ", output, line)

    def assert_clean(self, check: str, files: dict[str, str]) -> None:
        code, output = run(check, files)
        self.assertEqual(code, 0, output)

    def test_layers(self):
        header = {"db/a.h": "", "common/b.h": "", "common/http/c.h": ""}
        self.assert_clean("check_layers.py", header | {"db/a.cc": '#include "common/b.h"\n'})
        self.assert_found("check_layers.py", header | {"common/b.cc": '\n#include "db/a.h"\n'},
                          "common/b.cc:2: ")
        self.assert_found("check_layers.py", header | {"cli/b.cc": '#include "db/a.h"\n'}, "layer")
        self.assert_found("check_layers.py", header | {"common/b.cc": '#include "common/http/c.h"'},
                          "layer")
        self.assert_found("check_layers.py", {"api/a.cc": "#include <sqlite3.h>\n"}, "db/ alone")
        self.assert_found("check_layers.py", {"api/a.cc": '#include "a.h"\n', "api/a.h": ""},
                          "no file of the tree")

    def test_long_function(self):
        body = "  call();\n"
        short = "namespace vbs {\nint A::f(int x) const {\n" + body * 68 + "}\n}\n"
        self.assert_clean("check_shape.py", {"db/a.cc": short})
        for head in ("int f() {\n", "A::A() : b_{1}, c_(2) {\n", "auto f() -> int {\n"):
            self.assert_found("check_shape.py",
                              {"db/a.cc": "namespace vbs {\nstruct S {};\n" + head + body * 69 +
                               "}\n}\n"}, "db/a.cc:3: function of 71 lines")

    def test_braces_in_text_do_not_count(self):
        text = 'void f() {\n  const char* s = "}}";  // }\n  char c = \'{\';\n' + "  g();\n" * 70
        self.assert_found("check_shape.py", {"db/a.cc": text + "}\n"}, "function of 74 lines")

    def test_long_file_and_deep_nesting(self):
        self.assert_found("check_shape.py", {"db/a.cc": "\n" * 401}, "401 lines")
        deep = "void f() {\n" + "if (a) {\n" * 5 + "}\n" * 5 + "}\n"
        self.assert_found("check_shape.py", {"db/a.cc": deep}, "db/a.cc:6: nested 5 deep")

    def test_shape_of_scripts(self):
        self.assert_found("check_shape.py", {"a.py": "def f():\n" + "    g()\n" * 70}, "71 lines")
        self.assert_found("check_shape.py", {"a.sh": "f() {\n" + "  g\n" * 69 + "}\n"}, "71 lines")
        self.assert_found("check_shape.py", {"a.sh": "#" * 121}, "121 characters")

    def test_words(self):
        for text in ("// TO" "DO: later", 'path = "/home/me/x";'):
            self.assert_found("check_words.py", {"api/a.cc": text}, "api/a.cc:1: ")
        self.assert_found("check_words.py", {"docs/a.md": "in place of the seed's" " step"}, "docs/a.md:1: ")
        self.assert_clean("check_words.py", {"tests/a.cc": "World(std::uint64_t seed);  // the seed of a run"})

    def test_processes(self):
        self.assert_each_found("check_processes.py", "api/a.cc", (
            'std::system("ls");', "system (text);", 'f = popen("x", "r");', "wordexp(text, &words, 0);",
            'run({"sh", "-c", x});', 'find_program("bash", "bash");', 'argv = {"/bin/bash", "-c", x};',
            'argv = {"/usr/bin/env", "x"};', "::execlp(shell, x, y, z);", "execve(path, argv, env);",
            "posix_spawnp(&pid, x, y, z, argv, env);", "if (fork() == 0) x();", "#include <spawn.h>",
            "#include <boost/process.hpp>", "#include <boost/process/v1/child.hpp>"))
        self.assert_each_found("check_processes.py", "common/process.cc", ('std::system("ls");', 'run("/bin/sh");'))
        self.assert_each_found("check_processes.py", "deploy/a.py", (
            "run(x, shell=True)", "run(x, shell=flag)", 'os.system("ls")', 'os.popen("ls")',
            'subprocess.getoutput("ls")'))
        self.assert_found("check_processes.py", {"deploy/a": '#!/usr/bin/python3\nos.system("ls")\n'}, "deploy/a:2: ")
        self.assert_each_found("check_processes.py", "deploy/systemd/a.service.in",
                               ("ExecStart=/bin/sh -c 'x'", "ExecStartPre=-/usr/bin/bash x"))
        self.assert_each_found("check_processes.py", "deploy/udev/a.rules",
                               ('X=="y", RUN+="/bin/sh -c x"', 'X=="y", PROGRAM=="/bin/sh -c x"'))
        self.assert_clean("check_processes.py", {
            "common/process_spawn.cc": "#include <spawn.h>\nint e = ::posix_spawn(&pid, x, y, z, argv, env); ::fork();",
            "api/a.cc": 'report.system(line); // the file system()\nqmp.execute("x"); auto s = "run system(x)";',
            "cli/a.cc": 'table = {"bash", "zsh"};', "deploy/a.py": "run(x, shell=False)\nos.execvp(x, x)\n"})

    def test_headers(self):
        good = "#pragma once\nnamespace vbs::db {\n/// A thing.\nclass A {\n};\n}\n"
        self.assert_clean("check_headers.py", {"db/a.h": good})
        self.assert_found("check_headers.py", {"db/a.h": good.replace("/// A thing.\n", "")},
                          "class A")
        self.assert_found("check_headers.py", {"db/a.h": good.replace("#pragma once\n", "")},
                          "#pragma once")

    def test_links(self):
        self.assert_clean("check_links.py", {"a.md": "[b](docs/b.md#x)", "docs/b.md": "[a](../a.md)"})
        self.assert_found("check_links.py", {"docs/a.md": "[b](b.md)"}, "docs/a.md:1: b.md")

    def test_verbs(self):
        table = {"cli/command_table.cc": 'return {\n      {"usage", group, "x", {}, {}, show_usage},\n'}
        self.assert_clean("check_verbs.py", table | {"a.md": "`vbs usage` of vbs nodes; `vgs vbs -o x`\n"
                                                     "    vgcreate vbs /dev/sdb\n    deploy/lab vbs usage\n"})
        for text in ("see `vbs nodes`", "x:\n\n    vbs nodes\n", "```\nid=$(vbs nodes)\n```\n"):
            self.assert_found("check_verbs.py", table | {"docs/a.md": text}, "no verb 'nodes'")
        self.assert_found("check_verbs.py", table | {"docs/a.1": ".Bd\nvbs nodes\n"}, "docs/a.1:2: ")

    def test_config_keys(self):
        code = '#include "common/config.h"\nauto a = root.string("database");\n'
        tree = {"docs/operator-guide.md": "### Configuration of vbsd\n| `database` | path |\n",
                "api/settings.cc": code} | {
                    f"deploy/config/{name}.toml": "" for name in ("vbs-volumed", "vbs-vmmd", "vbs")}
        example = {"deploy/config/vbsd.toml": 'database = "x"\n'}
        self.assert_clean("check_config_keys.py", tree | example)
        self.assert_found("check_config_keys.py", tree | {"deploy/config/vbsd.toml": "listen = 1\n"},
                          "reads no 'listen'")
        self.assert_found("check_config_keys.py",
                          tree | example | {"docs/operator-guide.md": ""}, "not described")
        shared = {"api/settings.h": '#include "common/link.h"\n',
                  "common/link.h": '#include "common/config.h"\n',
                  "common/link.cc": 'auto a(config::Table& root) { return root.string("listen"); }'}
        self.assert_found("check_config_keys.py", tree | example | shared,
                          "vbsd reads 'listen', which is not described")

    def test_units(self):
        open_unit = "[Service]\nExecStart=@CMAKE_INSTALL_FULL_BINDIR@/vbs-vmmd\n"
        closed = open_unit + """DynamicUser=yes
CapabilityBoundingSet=
PrivateDevices=yes
PrivateNetwork=yes
PrivateUsers=yes
ProtectHome=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=none
RestrictNamespaces=yes
SystemCallArchitectures=native
SystemCallFilter=@basic-io
LimitCORE=0
"""
        self.assert_clean("check_units.py", {"a/vbs-vmmd.service.in": closed, "a/vbsd.service.in": closed})
        self.assert_found("check_units.py", {"a/vbs-vmmd.service.in": open_unit}, "is above 4.5")
        self.assert_found("check_units.py", {"a/vbsd.service.in": open_unit}, "is above 2.0")
        self.assert_found("check_units.py", {"a/vbsd.service.in": closed + "ProtectSytem=full\n"}, "vbsd.service:17: ")
        cores = closed.replace("LimitCORE=0\n", "")
        self.assert_found("check_units.py", {"a/vbsd.service.in": cores}, "LimitCORE=0 is missing")

    def test_shell_and_format(self):
        self.assert_found("check_shell.py", {"a.sh": "#!/bin/bash\nrm $1\n"}, "SC2086")
        self.assert_found("check_format.py", {".clang-format": "BasedOnStyle: Google\n",
                                              "db/a.cc": "int  x;\n"}, "db/a.cc")


if __name__ == "__main__":
    unittest.main()
