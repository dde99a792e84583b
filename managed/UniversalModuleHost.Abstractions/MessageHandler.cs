// SPDX-License-Identifier: MIT
// Who takes the messages of one service.
using System.Threading.Tasks;

namespace UniversalModuleHost;

/// <summary>
/// Takes one message of the service it was given for. The message ends when this returns, not when
/// the task completes: take its text, or what its JSON says, and go on with that in a method of its
/// own. The module is busy until the task has completed.
/// </summary>
/// <param name="message">Borrowed: see <see cref="Message"/>.</param>
public delegate ValueTask MessageHandler(in Message message);
