#pragma once

#include "common/clock.h"
#include "common/file.h"

namespace vbs::cli {

/// How the program waits: for a while, unless the user wants it to end.
class Pause {
 public:
  virtual ~Pause() = default;
  /// False when the user interrupted, now or before.
  virtual bool pause(Milliseconds duration) = 0;
  virtual bool interrupted() const = 0;
};

/// Ctrl-C, SIGTERM and SIGHUP end every pause. A second one ends the program at once. Only one may
/// exist in a process.
class SignalPause final : public Pause {
 public:
  SignalPause();
  ~SignalPause() override;
  SignalPause(const SignalPause&) = delete;
  SignalPause& operator=(const SignalPause&) = delete;

  bool pause(Milliseconds duration) override;
  bool interrupted() const override;
  /// Readable from the first signal on.
  int descriptor() const { return read_end_.get(); }

 private:
  FileDescriptor read_end_;
  FileDescriptor write_end_;
};

}  // namespace vbs::cli
