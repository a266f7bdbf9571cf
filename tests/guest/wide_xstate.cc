// SPDX-License-Identifier: Apache-2.0
// Preloaded into User-Mode Linux, which keeps room for the registers of AVX-512 and no more.  On a CPU that has larger ones (AMX) the host refuses to set part of them, and no guest would start: here
// those that the guest does not know are put back as they are.
#include <dlfcn.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>

namespace {

using Ptrace = long (*)(int, ...);

alignas(64) unsigned char whole[65536];   // User-Mode Linux has one thread that traces

long set_part(Ptrace real, void* pid, void* set, const iovec& part) {
  iovec all{whole, sizeof whole};
  if (real(PTRACE_GETREGSET, pid, set, &all) < 0 || all.iov_len < part.iov_len) return errno = EFAULT, -1;
  std::memcpy(whole, part.iov_base, part.iov_len);
  return real(PTRACE_SETREGSET, pid, set, &all);
}

}  // namespace

extern "C" long ptrace(__ptrace_request request, ...) {
  static const auto real = reinterpret_cast<Ptrace>(dlsym(RTLD_NEXT, "ptrace"));
  va_list args;
  va_start(args, request);
  void* pid = va_arg(args, void*);   // a pid_t, in the register of a pointer
  void* addr = va_arg(args, void*);
  void* data = va_arg(args, void*);
  va_end(args);
  long done = real(request, pid, addr, data);
  bool is_xstate = request == PTRACE_SETREGSET && reinterpret_cast<unsigned long>(addr) == NT_X86_XSTATE;
  return done < 0 && errno == EFAULT && is_xstate ? set_part(real, pid, addr, *static_cast<const iovec*>(data)) : done;
}
