#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/vmm_delegate/machine_support.h"

namespace vbs::conformance {

/// A tgtd with one export for each attachment, which can die, stand still and come back.
class Targets {
 public:
  explicit Targets(std::string initiator);

  /// An export of a volume of its own, of 8 MiB.
  wire::SessionSpec serve(const Uuid& attachment, const Uuid& volume);
  /// As `serve`, but for an initiator that is not the node.
  wire::SessionSpec serve_stranger(const Uuid& attachment, const Uuid& volume);
  /// A target that is none of VBS's.
  wire::SessionSpec serve_foreign(const std::string& iqn);
  void kill() { tgtd_.reset(); }
  /// With all its exports, as they were.
  void start();
  void freeze() { tgtd_->child().signal(SIGSTOP); }
  void thaw() { tgtd_->child().signal(SIGCONT); }
  /// The same logical unit now holds another volume; sessions go on.
  void swap_volume(const wire::SessionSpec& spec, const Uuid& volume);
  /// Its target is there, and the unit is not: what a forced detach leaves.
  void empty(const wire::SessionSpec& spec);
  void grow(const wire::SessionSpec& spec, std::uintmax_t size_bytes);
  void make_read_only(const wire::SessionSpec& spec);
  std::string bytes_of(const wire::SessionSpec& spec, std::size_t count) const;

 private:
  struct Export {
    unsigned number;
    Uuid volume;
    std::string initiator;
    std::string iqn;
  };
  wire::SessionSpec add(const Uuid& volume, const std::string& initiator, const std::string& iqn);
  unsigned number_of(const wire::SessionSpec& spec) const;
  std::string image_of(const wire::SessionSpec& spec) const;
  bool update(unsigned number, const std::string& parameters) const;

  test::TempDir dir_;
  const std::string initiator_;
  const std::string portal_ = test::free_portal();
  std::vector<Export> exports_;
  std::unique_ptr<test::TestTgtd> tgtd_;
};

}  // namespace vbs::conformance
