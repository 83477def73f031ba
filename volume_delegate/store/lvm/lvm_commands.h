#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "volume_delegate/store/lvm/lvm_extents.h"
#include "volume_delegate/store/lvm/lvm_tags.h"

namespace vbs::volume_delegate {

/// Arguments for lvm's one program, from the name of the command on.
using Arguments = std::vector<std::string>;

/// The commands that the stores are made of, for one volume group. Every one asks for no answer of
/// a person, names what it works on after "--", and lets no other program watch or extend anything.
class LvmCommands {
 public:
  /// `devices`: the only ones that lvm may look at; empty: all that its own configuration allows.
  LvmCommands(std::string group, const std::vector<std::string>& devices);

  Arguments lvs() const;
  Arguments vgs() const;
  Arguments create_linear(const std::string& name, std::uint64_t size_bytes,
                          const std::vector<std::string>& tags) const;
  Arguments create_snapshot(const std::string& origin, const std::string& name,
                            std::uint64_t size_bytes, const std::vector<std::string>& tags) const;
  /// It zeroes what it provisions, and keeps a spare of its metadata for repairs.
  Arguments create_pool(const std::string& name, std::uint64_t size_bytes,
                        std::uint64_t metadata_bytes) const;
  Arguments create_thin(const std::string& pool, const std::string& name, std::uint64_t size_bytes,
                        const std::vector<std::string>& tags) const;
  /// Not active: nobody reads it, clones are made of it.
  Arguments create_thin_snapshot(const std::string& origin, const std::string& name,
                                 const std::vector<std::string>& tags) const;
  Arguments create_thin_clone(const std::string& origin, const std::string& name,
                              const std::vector<std::string>& tags) const;
  /// A thin volume over a read-only LV outside of the pool.
  Arguments create_over_image(const std::string& pool, const std::string& image,
                              const std::string& name, const std::vector<std::string>& tags) const;
  Arguments change_tags(const std::string& name, const TagChange& change) const;
  Arguments activate(const std::vector<std::string>& names) const;
  /// Makes the kernel's device what the metadata says, and lets it go on where it is suspended.
  Arguments refresh(const std::string& name) const;
  /// An overflowing snapshot, or one that is to be wiped: its room becomes an LV of its own.
  Arguments split_snapshot(const std::string& name) const;
  /// By the extents that are named, in whatever order; by any that are free where none is.
  Arguments extend(const std::string& name, std::uint64_t size_bytes,
                   const std::vector<ExtentRange>& onto = {}) const;
  Arguments remove(const std::string& name) const;
  /// The same, without a discard of its extents, which are to hold what they held.
  Arguments remove_without_discard(const std::string& name) const;

  const std::string& group() const { return group_; }

 private:
  Arguments begin(const std::string& command) const;
  std::string path(const std::string& name) const { return group_ + "/" + name; }

  const std::string group_;
  Arguments common_;
};

}  // namespace vbs::volume_delegate
