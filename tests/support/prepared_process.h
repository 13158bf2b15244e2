// SPDX-License-Identifier: MIT
#pragma once

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>

namespace carafe::test {

/// A process forked when all is prepared and untouched since: whatever it forks in turn starts from the same private memory each time, whatever
/// we do meanwhile. It answers one request after the other, and ends with this object or with its parent.
template <typename Request, typename Answer>
class PreparedProcess {
 public:
  /// `serve(const Request&)`, in that process, gives the answer. Forked without the atfork handlers.
  template <typename Serve>
  explicit PreparedProcess(Serve&& serve) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("no socket pair");
    const pid_t parent = ::getpid();
    pid_ = ::_Fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ == 0) {
      ::close(ends[0]);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      Request request;
      while (::getppid() == parent && ::recv(ends[1], &request, sizeof request, 0) == sizeof request) {
        const Answer answer = serve(request);
        if (::send(ends[1], &answer, sizeof answer, 0) != sizeof answer) break;
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    end_ = ends[0];
  }
  PreparedProcess(const PreparedProcess&) = delete;
  PreparedProcess& operator=(const PreparedProcess&) = delete;
  ~PreparedProcess() {
    ::close(end_);
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  Answer ask(const Request& request) {
    Answer answer{};
    if (::send(end_, &request, sizeof request, 0) != sizeof request || ::recv(end_, &answer, sizeof answer, 0) != sizeof answer)
      throw std::runtime_error("the prepared process is gone");
    return answer;
  }

 private:
  pid_t pid_ = -1;
  int end_ = -1;
};

}  // namespace carafe::test
