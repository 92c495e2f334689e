"""python fine_tune.py SRC/model.safetensors SRC/tokenizer.json DATA OUT.safetensors [STEPS]

Fine-tunes all-MiniLM-L6-v2 so that a question in an analyst's own words lies near the pair that answers it. It learns from
DATA/knowledge (questions, aliases, answers), DATA/training (24 more ways to ask for each pair) and DATA/scope (questions of
other fields, near which no pair should lie). It never sees DATA/eval; a test of the program holds that nothing in
DATA/training resembles a question there.

A step takes 64 pairs, half of them from neighbourhoods of similar pairs. A question must be nearer (InfoNCE, temperature
0.05) to the mean of two other texts of its pair than to those of the other pairs of the batch and to 24 of the reference
questions. (All other pairs too, as they were when last seen, learned worse.) In every eighth step the text is the answer. A quarter of the questions get misspelled.
Word and position embeddings stay as they are. What is written is 0.7 of the trained weights and 0.3 of those before (M. Wortsman et al.,
"Robust fine-tuning of zero-shot models", CVPR 2022): as good on the tuning half of DATA/eval as all of the trained ones, and less is lost on texts of
other fields. torch (bfloat16 products), safetensors, tokenizers, numpy. Not deterministic to the bit: the
order of sums depends on threads. What follows it (export_q4.py, make_onnx.py) is.
"""
import glob, json, random, sys
import numpy as np, torch, torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

TAU, LR, PAIRS, REFERENCES, WARM_UP, SHARE = 0.05, 6e-5, 64, 24, 60, 0.7
KEYS = {c: row[max(0, i - 1):i] + row[i + 1:i + 2] for row in ('qwertyuiop', 'asdfghjkl', 'zxcvbnm') for i, c in enumerate(row)}


class MiniLm(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        kept = {k: v.float() for k, v in weights.items() if 'position_ids' not in k and 'pooler' not in k}
        self.p = torch.nn.ParameterDict({
            k.replace('.', '/'): torch.nn.Parameter(v.clone(), requires_grad=not k.startswith('embeddings')) for k, v in kept.items()})

    def state(self):
        return {k.replace('/', '.'): v.detach().contiguous() for k, v in self.p.items()}

    def forward(self, ids, mask):
        get = lambda k: self.p[k.replace('.', '/')]
        lin = lambda k, x: F.linear(x, get(k + '.weight'), get(k + '.bias'))
        norm = lambda k, x: F.layer_norm(x, (384,), get(k + '.weight'), get(k + '.bias'), 1e-12)
        rows, length = ids.shape
        hidden = (1 - mask)[:, None, None, :] * -1e9
        e = 'embeddings.'
        x = F.embedding(ids, get(e + 'word_embeddings.weight')) + get(e + 'position_embeddings.weight')[:length]
        x = norm(e + 'LayerNorm', x + get(e + 'token_type_embeddings.weight')[0])
        for i in range(6):
            a = f'encoder.layer.{i}.'
            q, k, v = (lin(a + f'attention.self.{n}', x).view(rows, length, 12, 32).transpose(1, 2) for n in ('query', 'key', 'value'))
            w = torch.softmax((q @ k.transpose(2, 3)).float() * 32 ** -0.5 + hidden, -1)
            o = (w.to(v.dtype) @ v).transpose(1, 2).reshape(rows, length, 384)
            x = norm(a + 'attention.output.LayerNorm', lin(a + 'attention.output.dense', o) + x)
            x = norm(a + 'output.LayerNorm', lin(a + 'output.dense', F.gelu(lin(a + 'intermediate.dense', x))) + x)
        return F.normalize((x.float() * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True), dim=-1)


def batch(tokenizer, texts, longest):
    rows = [e.ids for e in tokenizer.encode_batch(texts)]
    rows = [r if len(r) <= longest else r[:longest - 1] + r[-1:] for r in rows]
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    mask = torch.zeros(ids.shape)
    for i, r in enumerate(rows):
        ids[i, :len(r)], mask[i, :len(r)] = torch.tensor(r), 1
    return ids, mask


def in_thirds(model, tokenizer, texts, longest=48):
    """The vectors of texts, in batches of like length: less padding."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    third = -(-len(order) // 3)
    parts = [model(*batch(tokenizer, [texts[i] for i in order[b:b + third]], longest)) for b in range(0, len(order), third)]
    return torch.cat(parts)[torch.argsort(torch.tensor(order))]


def misspelled(text, rng):
    words = text.split()
    for i in rng.sample(range(len(words)), min(len(words), max(1, round(len(words) * rng.uniform(0.1, 0.35))))):
        w = words[i]
        if len(w) < 4 or not w.isalpha():
            continue
        j, kind = rng.randrange(1, len(w)), rng.random()
        vowels = [v for v in range(1, len(w)) if w[v].lower() in 'aeiou']
        if kind < 0.28 and j + 1 < len(w):
            w = w[:j] + w[j + 1] + w[j] + w[j + 2:]
        elif kind < 0.6:
            w = w[:j] + w[j + 1:]
        elif kind < 0.75:
            w = w[:j] + w[j] + w[j:]
        elif kind < 0.9 and vowels:
            v = rng.choice(vowels)
            w = w[:v] + rng.choice('aeiou') + w[v + 1:]
        else:
            w = w[:j] + rng.choice(KEYS.get(w[j].lower(), w[j])) + w[j + 1:]
        words[i] = w
    text = ' '.join(words)
    text = text.lower() if rng.random() < 0.7 else text
    return text.rstrip('?') if rng.random() < 0.6 else text


def main(source, tokenizer, data, out, steps=1400):
    torch.manual_seed(0)
    rng = random.Random(0)
    read = lambda folder: [json.load(open(f)) for f in sorted(glob.glob(f'{data}/{folder}/*.json'))]
    pairs = [p for topic in read('knowledge') for p in topic]
    more = {k: v for topic in read('training') for k, v in topic.items()}
    references = [r['question'] for r in json.load(open(data + '/scope/outside.json'))]
    asked = [more.get(p['id'], []) for p in pairs]
    stored = [[p['question']] + p['aliases'] for p in pairs]
    tok = Tokenizer.from_file(tokenizer)
    tok.no_padding(), tok.no_truncation()
    before = load_file(source)
    model = MiniLm(before)
    trained = [v for v in model.parameters() if v.requires_grad]
    opt = torch.optim.AdamW([{'params': [v for v in trained if v.ndim > 1], 'weight_decay': 0.01},
                             {'params': [v for v in trained if v.ndim < 2], 'weight_decay': 0}], lr=LR, betas=(0.9, 0.98))
    model.eval()
    with torch.no_grad():
        questions = torch.stack([in_thirds(model, tok, texts[:1])[0] for texts in stored])
    near = (-(questions @ questions.T)).argsort(1)[:, 1:25].tolist()
    model.train()
    unseen = []
    for step in range(steps):
        by_answer = step % 8 == 7
        size = PAIRS // 2 if by_answer else PAIRS
        take = {}
        while len(take) < size // 2:
            seed = rng.randrange(len(pairs))
            for x in [seed] + rng.sample(near[seed], 7):
                take[x] = None
        take = list(take)[:size]
        while len(take) < size:
            unseen = unseen or rng.sample(range(len(pairs)), len(pairs))
            x = unseen.pop()
            take += [x] if x not in take else []
        queries, texts = [], []
        for x in take:
            q = rng.choice(asked[x]) if asked[x] and rng.random() > 0.12 else rng.choice(stored[x])
            others = [t for t in stored[x] if t != q]
            if by_answer:
                texts += [pairs[x]['answer']]
            elif rng.random() < 0.5 or others[0] != stored[x][0]:
                texts += rng.sample(others, 2)
            else:
                texts += [others[0], rng.choice(others[1:])]
            typed = misspelled(q, rng) if rng.random() < 0.25 else q.lower().rstrip('?') if rng.random() < 0.3 else q
            queries.append(typed)
        away = rng.sample(references, REFERENCES)
        with torch.autocast('cpu', torch.bfloat16):
            if by_answer:
                v = torch.cat([in_thirds(model, tok, queries + away), model(*batch(tok, texts, 96))])
                Q, O, D = v[:size], v[size:size + REFERENCES], v[size + REFERENCES:]
            else:
                v = in_thirds(model, tok, queries + away + texts)
                Q, O, D = v[:size], v[size:size + REFERENCES], v[size + REFERENCES:].view(size, 2, 384).mean(1)
        own = torch.arange(size)
        loss = F.cross_entropy(torch.cat([Q @ D.T, Q @ O.T], 1) / TAU, own) + 0.3 * F.cross_entropy(D @ Q.T / TAU, own)
        for group in opt.param_groups:
            group['lr'] = LR * min(1, (step + 1) / WARM_UP) * max(0.02, 1 - step / steps)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        opt.step()
        if step % 50 == 49:
            print(step + 1, round(float(loss), 3), flush=True)
    save_file({k: SHARE * v + (1 - SHARE) * before[k].float() for k, v in model.state().items()}, out)


if __name__ == '__main__':
    main(*sys.argv[1:5], *map(int, sys.argv[5:]))
