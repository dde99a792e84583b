// SPDX-License-Identifier: MIT
// A text as UTF-8, on the stack when it is short.
using System;
using System.Buffers;
using System.Text;

namespace UniversalModuleHost;

/// <summary>Ends with the call that it was made for.</summary>
internal ref struct EncodedText : IDisposable
{
    private byte[]? _rented;

    public EncodedText(string text, Span<byte> stack)
    {
        ArgumentNullException.ThrowIfNull(text);
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        Span<byte> room = most <= stack.Length
            ? stack
            : _rented = ArrayPool<byte>.Shared.Rent(most);
        IsText = TryEncode(text, room, out int count);
        Utf8 = room[..count];
    }

    /// <summary>False: half a character is in it.</summary>
    public bool IsText { get; }

    public ReadOnlySpan<byte> Utf8 { get; }

    public static bool TryEncode(string text, out ReadOnlyMemory<byte> utf8)
    {
        ArgumentNullException.ThrowIfNull(text);
        byte[] room = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        bool isText = TryEncode(text, room, out int count);
        utf8 = room.AsMemory(0, count);
        return isText;
    }

    public void Dispose()
    {
        if (_rented is { } rented)
        {
            _rented = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static bool TryEncode(string text, Span<byte> to, out int count) =>
        System.Text.Unicode.Utf8.FromUtf16(text, to, out _, out count, replaceInvalidSequences: false)
        == OperationStatus.Done;
}
