#pragma once

#include <cstdint>
#include <memory>

#include "api/settings.h"

namespace vbs::api {

/// vbsd as a whole: database, engine, reconciler and network, from start to end. Destruction first
/// lets no more requests in, then stops the engine, then carries out what waits for the database;
/// what those jobs refer to goes last.
class Program {
 public:
  /// Serves as soon as it returns. An error leaves nothing behind.
  static Result<std::unique_ptr<Program>> start(const Settings& settings);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  std::uint16_t port() const;
  /// Takes the certificates from their files again, for connections from now on; after SIGHUP.
  void reload_certificates();

 private:
  struct Impl;
  explicit Program(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs::api
