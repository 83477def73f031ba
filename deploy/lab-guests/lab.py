"""The guests of one lab together."""
import os
import shutil
import subprocess

from guest import KINDS, Guest, LabError

__all__ = ["Lab", "LabError"]


class Lab:
    """`folder` holds the guests' disks, sockets and logs; `image` what they are made from."""

    def __init__(self, folder: str, image: str):
        self.folder = os.path.abspath(folder)
        self._image = os.path.abspath(image)

    def guest(self, name: str) -> Guest:
        return Guest(name, self.folder, self._image)

    def guests(self) -> list[Guest]:
        return [self.guest(name) for name in KINDS]

    def build_image(self, xen: bool = False) -> None:
        here = os.path.dirname(os.path.realpath(__file__))
        for program in ["build"] + ["build-xen"] * xen:
            if subprocess.run([os.path.join(here, program), self._image], check=False).returncode != 0:
                raise LabError("the image could not be made; the reason is above")

    def up(self, names: list[str]) -> None:
        """Starts the guests beside each other. The volume server is one of them: the others' cables
        end there."""
        guests = [self.guest(name) for name in sorted({"vs", *names}, key=list(KINDS).index)]
        self.build_image(any(guest.kind.xen for guest in guests))
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        for guest in guests:
            guest.start()
        for guest in guests:
            guest.wait_ready()
            guest.connect()

    def down(self) -> None:
        for guest in self.guests():
            guest.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
